"""From figures to a table."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from msgspec import Struct

OURS = ("msgspec", "psycopg", "eventsourcing")
SMALL = 100  # below it a figure keeps two decimals


class Figure(Struct, frozen=True):
    """What was measured, and the value that is wanted, if there is one."""

    name: str
    value: float
    wanted: str


def report(events: int, rounds: int, postgresql: str, cpu: str, figures: Sequence[Figure]) -> str:
    """Return what was measured where, and the table, in Markdown."""
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu}, {os.cpu_count()} cores, Linux {platform.release()},"
        f" Python {platform.python_version()}, PostgreSQL {postgresql} (embedded, durable), {ours}."
        f"\n{events:,} events, medians of {rounds} rounds;"
        f" load average at the end: {os.getloadavg()[0]:.1f}.\n\n{table(figures)}"
    )


def table(figures: Sequence[Figure]) -> str:
    """Return *figures* as a Markdown table."""
    lines = [("", "measured", "wanted"), ("---", "---:", "---:")]
    lines += [(each.name, format_value(each.value), each.wanted) for each in figures]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_value(value: float) -> str:
    """Return *value* as people read it."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= SMALL else f"{value:.2f}"
