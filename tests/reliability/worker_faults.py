"""Fault 1: a worker is killed at each moment of a write that matters, and at random."""

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.reliability.fault import Fault
from tests.reliability.service import until
from tests.reliability.trial import Outcome, Trial, trial

WORKERS = 3
BETWEEN = 5  # acknowledged writes
RESTARTED_WITHIN = 120.0  # seconds that a worker may take to import all, on a busy machine
HELD_WITHIN = 1.0  # seconds; a writer gives up the lock after 2
HELD_AT_ALL = 30.0  # seconds
FROZEN = 0.05  # seconds in which a commit ends whose worker cannot hear of it
HELD_COMMITS = Path(__file__).with_name("held_commits.sql")
WAITING = """
SELECT pid FROM pg_stat_activity WHERE application_name = 'integrations_command'
    AND wait_event_type = 'Lock' AND wait_event = 'advisory'
"""
# Each worker connects its own follower of the log once it is about to answer requests.
READY = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'integrations_follower'"
LOCK_LOG = "SELECT integrations.lock_log()"
LOCK_COMMITS = "SELECT pg_advisory_xact_lock(7)"
END = "SELECT pg_terminate_backend(%s)"


def before_append(on: Trial, _: random.Random) -> None:
    """Kill a worker whose writes wait for the append lock: nothing is appended yet."""
    with holding(on, LOCK_LOG):
        kill_one(on)


def before_commit(on: Trial, dice: random.Random) -> None:
    """Kill a worker whose write is appended and not committed; every other one never is."""
    with holding(on, LOCK_COMMITS) as backends:
        kill_one(on)
        if dice.random() < 0.5:
            with psycopg.connect(on.stage.dsn, autocommit=True) as connection:
                for backend in backends:
                    connection.execute(END, (backend,))


def before_answer(on: Trial, _: random.Random) -> None:
    """Freeze a worker, let the database commit what it has sent, and kill it unheard."""
    frozen = one_of(on)
    frozen.suspend()
    time.sleep(FROZEN)
    frozen.kill()


def at_random(on: Trial, dice: random.Random) -> None:
    """Kill a worker whatever it does."""
    time.sleep(dice.random() * 0.1)
    kill_one(on)


@contextmanager
def holding(on: Trial, lock: str) -> Generator[list[int]]:
    """Hold *lock*; yield the backends that wait for it once there are some."""
    with (
        psycopg.connect(on.stage.dsn, autocommit=True) as looker,
        psycopg.connect(on.stage.dsn) as holder,
    ):
        holder.execute(lock.encode())
        found: list[int] = []

        def wait() -> bool:
            found[:] = [pid for (pid,) in looker.execute(WAITING).fetchall()]
            return len(found) >= WORKERS  # a batch of each

        if until(wait, HELD_WITHIN, every=0.01) < 0 and not found:
            until(lambda: wait() or bool(found), HELD_AT_ALL, every=0.01)
        if not found:
            on.complain("writes go on", "none waits for a lock that is held")
        yield found


def one_of(on: Trial) -> psutil.Process:
    """Return one of the workers, by chance."""
    return random.choice(on.stage.service.workers())  # noqa: S311 — no secret


def kill_one(on: Trial) -> None:
    """Send SIGKILL to one of the workers."""
    with suppress(psutil.NoSuchProcess):
        one_of(on).kill()


def killing(*moments: Callable[[Trial, random.Random], None]) -> Callable[[int], Outcome]:
    """Return what kills a worker at each of *moments*, round by round."""

    def run(rounds: int) -> Outcome:
        dice = random.Random(rounds)  # noqa: S311 — no secret
        with trial(workers=WORKERS) as on:
            on.execute(HELD_COMMITS.read_text())
            for _ in range(rounds):
                for moment in moments:
                    on.load.acknowledge(BETWEEN)
                    moment(on, dice)
                    require_restarted(on)
            on.load.acknowledge(BETWEEN)
            on.note("kills", rounds * len(moments))
        return on.outcome

    return run


def require_restarted(on: Trial) -> None:
    """Wait until as many workers answer as before: else all are killed while they start."""
    with psycopg.connect(on.stage.dsn, autocommit=True) as looker:

        def all_ready() -> bool:
            [(ready,)] = looker.execute(READY).fetchall()
            return ready >= WORKERS and len(on.stage.service.workers()) >= WORKERS

        if until(all_ready, RESTARTED_WITHIN) < 0:
            on.complain("ready again by itself", "a worker was not started anew")


FAULTS = [
    Fault(
        "worker-kill",
        "kill -9 of a worker before the append, before the commit, before the answer, at random",
        killing(before_append, before_commit, before_answer, at_random),
        long=13,
    ),
]
