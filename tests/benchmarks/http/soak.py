"""A long load on one worker, to see whether its memory grows."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
from msgspec import Struct

from tests.benchmarks.http.environment import load_server
from tests.benchmarks.http.load import run_round, write_requests
from tests.benchmarks.http.report import markdown
from tests.benchmarks.http.scenarios import SCENARIOS
from tests.benchmarks.http.servers import Server, start_ours

CONNECTIONS = 32
WORKSPACES = 50
WARM_UP = 0.2  # of the time
END_PART = 0.25  # of the rest: its first and its last quarter are compared
MAX_GROWTH_PERCENT = 2.0  # percent
MAX_IDLE_MB = 120  # MB at most


class MemorySample(NamedTuple):
    """How much memory there was, in MB, after so many requests."""

    requests: float
    memory: float


class SoakResult(Struct, frozen=True):
    """Memory in MB before the first request, and what was seen after each round."""

    idle: float
    samples: Sequence[MemorySample]
    minutes: float

    @property
    def ends(self) -> tuple[MemorySample, MemorySample]:
        """The medians of the first and of the last part after the warm-up."""
        warm = self.samples[int(len(self.samples) * WARM_UP) :]
        part = max(1, int(len(warm) * END_PART))
        return median_of(warm[:part]), median_of(warm[-part:])

    @property
    def growth_percent(self) -> float:
        """By how many percent of the first end the last is larger."""
        first, last = self.ends
        return round((last.memory / first.memory - 1) * 100, 2)

    @property
    def bytes_per_request(self) -> float:
        """By how many bytes it grew from one end to the other, for each request in between."""
        first, last = self.ends
        return (last.memory - first.memory) * 1e6 / max(1, last.requests - first.requests)


def median_of(samples: Sequence[MemorySample]) -> MemorySample:
    """Return the median of each figure."""
    return MemorySample(*map(median, zip(*samples, strict=True)))


def soak(folder: Path, minutes: float, seconds: int) -> SoakResult:
    """Send the mix for *minutes*, in rounds of *seconds*, to a service on a database of its own.

    Raises:
        FailedRequestsError: a request failed.
    """
    with start_ours(folder) as server:
        idle = server.memory()
        data = load_server(server, folder, WORKSPACES).data
        write_requests(folder / "soak.requests", SCENARIOS["mix"].requests(data))
        samples = sample_memory(server, folder / "soak.requests", minutes, seconds)
    return SoakResult(idle, samples, minutes)


def sample_memory(server: Server, file: Path, minutes: float, seconds: int) -> list[MemorySample]:
    """Return what was seen after each round."""
    samples: list[MemorySample] = []
    requests, end = 0.0, time.monotonic() + minutes * 60
    while not samples or time.monotonic() < end:
        requests += run_round(server, file, CONNECTIONS, seconds).rate * seconds
        samples.append(MemorySample(requests, server.memory()))
        line = f"{len(samples) * seconds} s, {requests:,.0f} requests: {samples[-1].memory:.1f} MB"
        click.echo(line, err=True)
    return samples


def soak_table(result: SoakResult) -> str:
    """Return the result as a table in Markdown."""
    first, last = result.ends
    lines = [
        ("idle, MB", f"{result.idle:.0f}", f"≤ {MAX_IDLE_MB}", verdict(result.idle, MAX_IDLE_MB)),
        ("after the warm-up, MB", f"{first.memory:.1f}", "", ""),
        (f"after {result.minutes:g} minutes, MB", f"{last.memory:.1f}", "", ""),
        (
            "grown, %",
            f"**{result.growth_percent:.2f}**",
            f"≤ {MAX_GROWTH_PERCENT:g}",
            verdict(result.growth_percent, MAX_GROWTH_PERCENT),
        ),
        ("grown a request, bytes", f"{result.bytes_per_request:.1f}", "", ""),
        ("requests", f"{result.samples[-1].requests:,.0f}", "", ""),
    ]
    return markdown(("", "measured", "wanted", ""), lines)


def verdict(found: float, most: float) -> str:
    """Return whether *found* is within the limit."""
    return "met" if found <= most else "not met"
