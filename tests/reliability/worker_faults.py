"""Fault 1: a worker is killed at each critical point of a write, and at random."""

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.service import until

WORKERS = 3
WRITES_BETWEEN = 5  # acknowledged writes
RESTART_TIMEOUT = 120.0  # seconds that a worker may take to import all, on a busy machine
LOCK_WAIT = 1.0  # seconds; a writer gives up the lock after 2
LOCK_TIMEOUT = 30.0  # seconds
FROZEN = 0.05  # seconds for a commit whose worker is frozen
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


def before_append(experiment: Experiment, _: random.Random) -> None:
    """Kill a worker whose writes wait for the append lock: nothing is appended yet."""
    with hold_lock(experiment, LOCK_LOG):
        kill_one(experiment)


def before_commit(experiment: Experiment, dice: random.Random) -> None:
    """Kill a worker whose write is appended and not committed; every other one never is."""
    with hold_lock(experiment, LOCK_COMMITS) as backends:
        kill_one(experiment)
        if dice.random() < 0.5:
            with psycopg.connect(experiment.dsn, autocommit=True) as connection:
                for backend in backends:
                    connection.execute(END, (backend,))


def before_answer(experiment: Experiment, _: random.Random) -> None:
    """Freeze a worker, let the database commit what it has sent, and kill the worker."""
    frozen = random_worker(experiment)
    frozen.suspend()
    time.sleep(FROZEN)
    frozen.kill()


def at_random(experiment: Experiment, dice: random.Random) -> None:
    """Kill a worker at a random time."""
    time.sleep(dice.random() * 0.1)
    kill_one(experiment)


@contextmanager
def hold_lock(experiment: Experiment, lock: str) -> Generator[list[int]]:
    """Hold *lock*; yield the backends that wait for it once there are some."""
    with (
        psycopg.connect(experiment.dsn, autocommit=True) as observer,
        psycopg.connect(experiment.dsn) as holder,
    ):
        holder.execute(lock.encode())
        found: list[int] = []

        def wait() -> bool:
            found[:] = [pid for (pid,) in observer.execute(WAITING).fetchall()]
            return len(found) >= WORKERS  # a batch of each

        if until(wait, LOCK_WAIT, every=0.01) < 0 and not found:
            until(lambda: wait() or bool(found), LOCK_TIMEOUT, every=0.01)
        if not found:
            experiment.report("writes continue", "none waits for a lock that is held")
        yield found


def random_worker(experiment: Experiment) -> psutil.Process:
    """Return one of the workers, by chance."""
    return random.choice(experiment.service.workers())  # noqa: S311 — no secret


def kill_one(experiment: Experiment) -> None:
    """Send SIGKILL to one of the workers."""
    with suppress(psutil.NoSuchProcess):
        random_worker(experiment).kill()


def kill_at(*points: Callable[[Experiment, random.Random], None]) -> Callable[[int], Outcome]:
    """Return a run that kills a worker at each of *points*, round by round."""

    def run(rounds: int) -> Outcome:
        dice = random.Random(rounds)  # noqa: S311 — no secret
        with run_experiment(workers=WORKERS) as experiment:
            experiment.execute(HELD_COMMITS.read_text())
            for _ in range(rounds):
                for point in points:
                    experiment.load.acknowledge(WRITES_BETWEEN)
                    point(experiment, dice)
                    require_restarted(experiment)
            experiment.load.acknowledge(WRITES_BETWEEN)
            experiment.record("kills", rounds * len(points))
        return experiment.outcome

    return run


def require_restarted(experiment: Experiment) -> None:
    """Wait until as many workers serve as before: else all are killed while they start."""
    with psycopg.connect(experiment.dsn, autocommit=True) as observer:

        def all_ready() -> bool:
            [(ready,)] = observer.execute(READY).fetchall()
            return ready >= WORKERS and len(experiment.service.workers()) >= WORKERS

        if until(all_ready, RESTART_TIMEOUT) < 0:
            experiment.report("ready again by itself", "a worker was not started again")


FAULTS = [
    Fault(
        "worker-kill",
        "kill -9 of a worker before the append, before the commit, before the answer, at random",
        kill_at(before_append, before_commit, before_answer, at_random),
        long=13,
    ),
]
