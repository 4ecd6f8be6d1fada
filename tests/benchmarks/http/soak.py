"""A long load on one worker: does its memory grow?"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
from msgspec import Struct

from tests.benchmarks.http.arena import side
from tests.benchmarks.http.contestants import Contestant, ours
from tests.benchmarks.http.load import run_round, write_requests
from tests.benchmarks.http.report import markdown
from tests.benchmarks.http.scenarios import SCENARIOS

CONNECTIONS = 32
WORKSPACES = 50
WARM_UP = 0.2  # of the time
ENDS = 0.25  # of the rest: its first and its last quarter are compared
LIMIT = 2.0  # percent
IDLE = 120  # MB at most


class Look(NamedTuple):
    """How much memory there was, in MB, after so many requests."""

    requests: float
    memory: float


class Soaked(Struct, frozen=True):
    """Memory in MB before the first request, and what was seen after each round."""

    idle: float
    looks: Sequence[Look]
    minutes: float

    @property
    def ends(self) -> tuple[Look, Look]:
        """The medians of the first and of the last part after the warm-up."""
        warm = self.looks[int(len(self.looks) * WARM_UP) :]
        part = max(1, int(len(warm) * ENDS))
        return middle(warm[:part]), middle(warm[-part:])

    @property
    def grown(self) -> float:
        """By how many percent of the first end the last is larger."""
        first, last = self.ends
        return round((last.memory / first.memory - 1) * 100, 2)

    @property
    def a_request(self) -> float:
        """By how many bytes it grew from one end to the other, for each request in between."""
        first, last = self.ends
        return (last.memory - first.memory) * 1e6 / max(1, last.requests - first.requests)


def middle(looks: Sequence[Look]) -> Look:
    """Return the median of each figure."""
    return Look(*map(median, zip(*looks, strict=True)))


def soak(folder: Path, minutes: float, seconds: int) -> Soaked:
    """Send the mix for *minutes*, in rounds of *seconds*, to a service on a database of its own.

    Raises:
        FailedRequestsError: a request failed.
    """
    with ours(folder) as contestant:
        idle = contestant.memory()
        filled = side(contestant, folder, WORKSPACES).filled
        write_requests(folder / "soak.requests", SCENARIOS["mix"].requests(filled))
        looks = loaded(contestant, folder / "soak.requests", minutes, seconds)
    return Soaked(idle, looks, minutes)


def loaded(contestant: Contestant, file: Path, minutes: float, seconds: int) -> list[Look]:
    """Return what was seen after each round."""
    looks: list[Look] = []
    requests, end = 0.0, time.monotonic() + minutes * 60
    while not looks or time.monotonic() < end:
        requests += run_round(contestant, file, CONNECTIONS, seconds).rate * seconds
        looks.append(Look(requests, contestant.memory()))
        told = f"{len(looks) * seconds} s, {requests:,.0f} requests: {looks[-1].memory:.1f} MB"
        click.echo(told, err=True)
    return looks


def soak_table(soaked: Soaked) -> str:
    """Return the result as a table in Markdown."""
    first, last = soaked.ends
    lines = [
        ("idle, MB", f"{soaked.idle:.0f}", f"≤ {IDLE}", verdict(soaked.idle, IDLE)),
        ("after the warm-up, MB", f"{first.memory:.1f}", "", ""),
        (f"after {soaked.minutes:g} minutes, MB", f"{last.memory:.1f}", "", ""),
        ("grown, %", f"**{soaked.grown:.2f}**", f"≤ {LIMIT:g}", verdict(soaked.grown, LIMIT)),
        ("grown a request, bytes", f"{soaked.a_request:.1f}", "", ""),
        ("requests", f"{soaked.looks[-1].requests:,.0f}", "", ""),
    ]
    return markdown(("", "measured", "wanted", ""), lines)


def verdict(found: float, most: float) -> str:
    """Say whether *found* is at most what is wanted."""
    return "met" if found <= most else "not met"
