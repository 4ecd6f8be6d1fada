"""Fault 9: rebuild, key rewrap and checkpointing are killed at random and run again, under load."""

import random
import time
from contextlib import suppress

import psutil

from tests.reliability.fault import Fault
from tests.reliability.trial import Outcome, Trial, trial
from tests.reliability.worker_faults import kill_one, require_restarted

BETWEEN = 10  # acknowledged writes
STARTING = 0.5  # seconds that a command takes before it begins
WORKING = 1.5  # seconds, about, that it then takes
AFTERWARDS = "a command that was killed simply runs again"
REWRAPPED = "; 0 are under other KEKs"
ATTEMPTS = 3  # as rewrap leaves what a request holds just then


def kill_commands(rounds: int) -> Outcome:
    """Kill each of them at random, round by round; in the end let each run to its end."""
    dice = random.Random(rounds)  # noqa: S311 — no secret
    with trial(workers=3) as on:
        killed = 0
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            killed += kill_amid(on, dice, "rebuild")
            run(on, "keys", "rotate")
            killed += kill_amid(on, dice, "keys", "rewrap")
            kill_one(on)  # one of them signs checkpoints
            require_restarted(on)
        on.load.acknowledge(BETWEEN)
        finish(on)
        on.note("kills amid", f"{killed} of {2 * rounds}, and {rounds} of workers")
    return on.outcome


def kill_amid(on: Trial, dice: random.Random, *words: str) -> bool:
    """Start a command and kill it, with its children or without; tell whether it still ran."""
    process = on.stage.service.spawn(*words, dsn=on.stage.dsn)
    time.sleep(STARTING + dice.random() * WORKING)
    if process.poll() is not None:
        return False
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    if dice.random() < 0.5:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.wait()
    if psutil.wait_procs(children, timeout=10)[1]:
        on.complain(AFTERWARDS, f"{words[0]} left processes behind")
    return True


def finish(on: Trial) -> None:
    """Let each command run to its end, and look at what it says."""
    rebuilt = run(on, "rebuild")
    if "not as the log says" in rebuilt:
        on.complain(AFTERWARDS, rebuilt)
    run(on, "keys", "rotate")
    said = [run(on, "keys", "rewrap") for _ in range(ATTEMPTS)]
    if not any(REWRAPPED in each for each in said):
        on.complain(AFTERWARDS, said[-1])
    if "missing" in (listed := run(on, "keys", "list")):
        on.complain(AFTERWARDS, listed)


def run(on: Trial, *words: str) -> str:
    """Run a command to its end; return what it says. It must succeed."""
    done = on.stage.service.command(*words, dsn=on.stage.dsn)
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        on.complain(AFTERWARDS, f"{' '.join(words)}: {said}")
    return done.stdout.strip()


FAULTS = [
    Fault(
        "command-kill",
        "kill -9 of rebuild, keys rewrap and the worker that signs, and each run again, under load",
        kill_commands,
        long=6,
        in_ci=False,  # too slow, and each command has such a test of its own
    ),
]
