"""Fault 9: rebuild, key rewrap and checkpointing are killed at random and run again, under load."""

import random
import time
from contextlib import suppress

import psutil

from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.worker_faults import kill_one, require_restarted

WRITES_BETWEEN = 10  # acknowledged writes
START_TIMEOUT = 0.5  # seconds that a command takes before it begins
WORKING = 1.5  # seconds, about, that it then takes
AFTERWARDS = "a command that was killed simply runs again"
REWRAPPED = "; 0 are under other KEKs"
ATTEMPTS = 3  # as rewrap leaves what a request holds just then


def kill_commands(rounds: int) -> Outcome:
    """Kill each of them at random, round by round; finally let each run to its end."""
    dice = random.Random(rounds)  # noqa: S311 — no secret
    with run_experiment(workers=3) as experiment:
        killed = 0
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            killed += kill_amid(experiment, dice, "rebuild")
            run(experiment, "keys", "rotate")
            killed += kill_amid(experiment, dice, "keys", "rewrap")
            kill_one(experiment)  # one of them signs checkpoints
            require_restarted(experiment)
        experiment.load.acknowledge(WRITES_BETWEEN)
        finish(experiment)
        experiment.record("kills amid", f"{killed} of {2 * rounds}, and {rounds} of workers")
    return experiment.outcome


def kill_amid(experiment: Experiment, dice: random.Random, *words: str) -> bool:
    """Start a command and kill it, with its children or without; return whether it still ran."""
    process = experiment.service.spawn(*words, dsn=experiment.dsn)
    time.sleep(START_TIMEOUT + dice.random() * WORKING)
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
        experiment.report(AFTERWARDS, f"{words[0]} left processes behind")
    return True


def finish(experiment: Experiment) -> None:
    """Let each command run to its end, and check its output."""
    rebuilt = run(experiment, "rebuild")
    if "not as the log says" in rebuilt:
        experiment.report(AFTERWARDS, rebuilt)
    run(experiment, "keys", "rotate")
    said = [run(experiment, "keys", "rewrap") for _ in range(ATTEMPTS)]
    if not any(REWRAPPED in each for each in said):
        experiment.report(AFTERWARDS, said[-1])
    if "missing" in (listed := run(experiment, "keys", "list")):
        experiment.report(AFTERWARDS, listed)


def run(experiment: Experiment, *words: str) -> str:
    """Run a command to its end; return its output. It must succeed."""
    done = experiment.service.command(*words, dsn=experiment.dsn)
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        experiment.report(AFTERWARDS, f"{' '.join(words)}: {said}")
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
