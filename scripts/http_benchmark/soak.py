"""A long load on one worker: does its memory grow?"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click
from msgspec import Struct

from scripts.http_benchmark.arena import side
from scripts.http_benchmark.contestants import Contestant, ours
from scripts.http_benchmark.load import run_round, write_requests
from scripts.http_benchmark.report import markdown
from scripts.http_benchmark.scenarios import SCENARIOS

CONNECTIONS = 32
WORKSPACES = 50
WARM_UP = 0.2  # of the time
ENDS = 0.25  # of the rest: its first and its last quarter are compared
LIMIT = 2.0  # percent
IDLE = 120  # MB at most


class Soaked(Struct, frozen=True):
    """Memory in MB: before the first request, and after each round; and how many requests."""

    idle: float
    memory: Sequence[float]
    requests: int
    minutes: float

    @property
    def ends(self) -> tuple[float, float]:
        """The medians of the first and of the last part after the warm-up."""
        warm = self.memory[int(len(self.memory) * WARM_UP) :]
        part = max(1, int(len(warm) * ENDS))
        return median(warm[:part]), median(warm[-part:])


def soak(folder: Path, minutes: float, seconds: int) -> Soaked:
    """Send the mix for *minutes*, in rounds of *seconds*, to a service on a database of its own.

    Raises:
        FailedRequestsError: a request failed.
    """
    with ours(folder) as contestant:
        idle = contestant.memory()
        filled = side(contestant, folder, WORKSPACES).filled
        write_requests(folder / "soak.requests", SCENARIOS["mix"].requests(filled))
        memory, requests = loaded(contestant, folder / "soak.requests", minutes, seconds)
    return Soaked(idle, memory, requests, minutes)


def loaded(
    contestant: Contestant, file: Path, minutes: float, seconds: int
) -> tuple[list[float], int]:
    """Return the memory after each round, and how many requests were answered in all."""
    memory: list[float] = []
    requests, end = 0.0, time.monotonic() + minutes * 60
    while not memory or time.monotonic() < end:
        requests += run_round(contestant, file, CONNECTIONS, seconds).rate * seconds
        memory.append(contestant.memory())
        click.echo(f"{len(memory) * seconds} s: {memory[-1]:.1f} MB", err=True)
    return memory, int(requests)


def soak_table(soaked: Soaked) -> str:
    """Return the result as a table in Markdown."""
    first, last = soaked.ends
    grown = (last / first - 1) * 100
    lines = [
        ("idle, MB", f"{soaked.idle:.0f}", f"≤ {IDLE}"),
        ("after the warm-up, MB", f"{first:.1f}", ""),
        (f"after {soaked.minutes:g} minutes, MB", f"{last:.1f}", ""),
        ("grown, %", f"**{grown:.2f}**", f"≤ {LIMIT:g}"),
        ("requests", f"{soaked.requests:,}", ""),
    ]
    return markdown(("", "measured", "wanted"), lines)
