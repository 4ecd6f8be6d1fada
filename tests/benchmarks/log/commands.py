"""Runs our commands as a user does, and measures their time and memory."""

import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

import psutil

from tests.benchmarks.log.databases import BenchmarkDatabases, integrations

POLL_INTERVAL = 0.25  # seconds; each sample costs some milliseconds of the cores that are measured


class CommandFailedError(Exception):
    """A command failed; the message is its output."""


def time_command(databases: BenchmarkDatabases, *arguments: str) -> float:
    """Run `integrations …` on the many events; return how many seconds it took.

    Raises:
        CommandFailedError: it ended with another status than 0.
    """
    started = time.perf_counter()
    with run_command(databases, arguments) as process:
        process.wait()
    return time.perf_counter() - started


def measure_memory(databases: BenchmarkDatabases, *arguments: str) -> float:
    """Run `integrations …` on the many events; return its megabytes at their peak.

    Raises as above.
    """
    peak = 0.0
    with run_command(databases, arguments) as process:
        while process.poll() is None:
            peak = max(peak, memory_mb(process.pid))
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_INTERVAL)
    return peak


@contextmanager
def run_command(
    databases: BenchmarkDatabases, arguments: Sequence[str]
) -> Generator[subprocess.Popen[str]]:
    """Run one of our commands, which must succeed; its output is discarded."""
    with subprocess.Popen(
        integrations(*arguments), env=databases.environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        if process.returncode:
            raise CommandFailedError(process.stderr.read() if process.stderr else "")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    with suppress(psutil.Error):
        return psutil.Process(pid).memory_info().rss / 2**20
    return 0.0


def rates_of(seconds: Sequence[float], events: int) -> list[float]:
    """Return the events a second of each run, which took so many *seconds*."""
    return [events / each for each in seconds]
