"""Runs our commands as a user does: how long they take, and how much memory."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil
from msgspec import Struct

from scripts.log_benchmark.stage import Stage, integrations

LOOK = 0.25  # seconds; a look takes the kernel milliseconds of the cores that are measured


class Run(Struct, frozen=True):
    """A finished command: seconds, and megabytes of all of its processes at their peak.

    Memory that processes share is counted once (PSS).
    """

    seconds: float
    megabytes: float


class FailedError(Exception):
    """A command did not end well; the message is what it said."""


def timed(stage: Stage, *arguments: str) -> Run:
    """Run `integrations …` on the many events; its output goes nowhere.

    Raises:
        FailedError: it ended with another status than 0.
    """
    started, peak = time.perf_counter(), 0.0
    with subprocess.Popen(  # noqa: S603 — our own command
        integrations(*arguments), env=stage.environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while process.poll() is None:
            peak = max(peak, megabytes_of(process.pid))
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise FailedError(process.stderr.read() if process.stderr else "")
    return Run(seconds, peak)


def megabytes_of(pid: int) -> float:
    """Return the memory of a process and its children."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return sum(map(proportional, [process, *process.children(recursive=True)])) / 2**20
    return 0.0


def proportional(process: psutil.Process) -> int:
    """Return the memory of *process*, its share of what it shares."""
    with suppress(psutil.Error):
        return process.memory_full_info().pss
    return 0


def rates_of(runs: Sequence[Run], events: int) -> list[float]:
    """Return the events a second of each run."""
    return [events / run.seconds for run in runs]
