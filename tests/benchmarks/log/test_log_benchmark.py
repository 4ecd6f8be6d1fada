"""The benchmark of the log runs from end to end, in its shortest form."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from app.event_store.codec import decode_recorded
from app.event_store.log_range import LogRange, read_range
from tests.benchmarks.log.__main__ import ratio_of
from tests.benchmarks.log.report import Figure, table
from tests.benchmarks.log.seed_data import EVENTS_PER_INTEGRATION, fill

ROOT = Path(__file__).parents[3]


def test_the_log_is_filled_as_the_service_would_write_it(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill(connection, 1_001)
        events = [
            decode_recorded(*row)
            for batch in read_range(connection, LogRange(to=1_001))
            for row in batch
        ]
    assert [event.position for event in events] == [*range(1, 1_002)]
    versions: dict[str, int] = {}
    for event in events:
        assert event.version == versions.get(event.stream, 0) + 1
        versions[event.stream] = event.version
    assert max(versions.values()) == EVENTS_PER_INTEGRATION


def test_a_short_run_prints_every_figure() -> None:
    sizes = "--events 2000 --library-events 200 --rounds 1 --seconds 1"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.log", *sizes.split()],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line[:1] == "|"]
    figures = {cells[0].strip(): cells[1].strip() for cells in lines[2:]}
    assert len(figures) == 14
    *measured, failed = (float(value.replace(",", "")) for value in figures.values())
    assert min(measured) > 0
    assert failed >= 0  # how many says something of the machine, too


def test_figures_are_formatted_for_people() -> None:
    lines = table([Figure("a", 1234.5, "≥ 1"), Figure("b", 0.987, ""), Figure("c", 0, "0")])
    assert lines.splitlines()[2:] == ["| a | 1,234 | ≥ 1 |", "| b | 0.99 |  |", "| c | 0 | 0 |"]


def test_each_turn_is_compared_with_its_neighbour_as_the_machine_may_slow_down_for_both() -> None:
    assert ratio_of(few=[100, 300, 200], many=[90, 270, 100]) == pytest.approx(0.9)  # pyright: ignore[reportUnknownMemberType]
