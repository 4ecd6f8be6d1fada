"""A history that does not go together, or not with its events, is found, and where."""

from random import Random
from typing import TYPE_CHECKING

import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from app.audit.book_check import Place, misbound, wrong_entries
from app.audit.finding import Finding
from projections.history import HistoryRow

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.conftest import Told

AMOUNT = 1_100  # entries: a volume, another page and some leaves
EVENT = "a row is there without its event"
SEQUENCE = "the row does not follow in sequence or latest_at"
PAGE = "the page that begins here is not bound as its entries are"
VOLUME = "the volume that begins here is not listed as its entries are"
DAMAGES = {
    "a leaf without an event": (
        "UPDATE history SET position = 9999 WHERE position = 1100",
        9999,
        EVENT,
    ),
    "a page is missing": ("DELETE FROM history_pages WHERE page = 3", 257, SEQUENCE),
    "a leaf that is bound, too": (
        """
        INSERT INTO history SELECT 'demo', 1088, positions[64], actions[64], actors[64], times[64],
            latest_at, '{}' FROM history_pages WHERE page = 16
        """,
        1088,
        SEQUENCE,
    ),
    "another latest time": (
        "UPDATE history_pages SET latest_at = latest_at + interval '1 h' WHERE page = 2",
        192,
        SEQUENCE,
    ),
    "another earliest of what is late": (
        "UPDATE history_pages SET late_from = '-infinity' WHERE page = 2",
        129,
        PAGE,
    ),
    "a page that ends too early": (
        "UPDATE history_pages SET ends[64] = ends[64] - 1 WHERE page = 5",
        321,
        PAGE,
    ),
    "a list that leaves out": (
        "UPDATE history_lists SET places = places[2:] WHERE list = ' ann'",
        1,
        VOLUME,
    ),
    "a list that is missing": ("DELETE FROM history_lists WHERE list = ' ann'", 1, VOLUME),
    "a list of nobody": (
        "INSERT INTO history_lists VALUES ('demo', ' eve', 0, 1, '{1}')",
        1,
        VOLUME,
    ),
}
ADDED = ("int_3", "ann", 0, "INTEGRATION_ADDED")
REMOVED = ("int_3", "ann", 0, "INTEGRATION_REMOVED")
EDIT = """
UPDATE integrations.history
SET entry = convert_to(replace(convert_from(entry, 'UTF8'), %s, %s), 'UTF8') WHERE position = 66
"""
OLD_EDITS = {
    '"resource_name":"Mail"': ('"resource_name":"Nail"', "resource_name"),
    '"isActive":{"from":true': ('"isActive":{"from":false', "was"),
    '"from"': ('"frum"', "entry"),
}
EDITS = {
    "actors[2] = 'eve'": "actor_id",
    "times[2] = times[2] + interval '1 s'": "created_at",
    "actions[2] = 'INTEGRATION_ENABLEd'": "action",
    "entries = overlay(entries PLACING 'x'::bytea FROM ends[1] + 1)": "entry",
    "entries = overlay(entries PLACING 'm'::bytea FROM ends[1] + 3)": "resource_name",
}


@pytest.fixture
def entries(told: "Told", admin: Connection[TupleRow]) -> dict[Place, HistoryRow]:
    """The entries of a long history, as they follow from the log."""
    admin.execute("SET search_path = integrations")
    told.append_much("demo", AMOUNT, Random(3))  # noqa: S311 — test data
    return {("demo", position): row for position, row in told.rows.items()}


@pytest.fixture
async def auditor(dsn: str) -> AsyncConnection:
    """A connection of the role that verifies."""
    return await AsyncConnection.connect(dsn, options="-c role=integrations_audit")


async def test_a_history_as_it_was_written_goes_together(
    auditor: AsyncConnection, entries: dict[Place, HistoryRow]
) -> None:
    async with auditor:
        assert await misbound(auditor, None) == []
        assert await misbound(auditor, "demo") == []
        assert await wrong_entries(auditor, entries) == []


@pytest.mark.parametrize("name", DAMAGES)
async def test_what_does_not_go_together_is_found_where_it_begins(
    auditor: AsyncConnection,
    entries: dict[Place, HistoryRow],
    admin: Connection[TupleRow],
    name: str,
) -> None:
    damage, position, what = DAMAGES[name]
    assert len(entries) == AMOUNT
    assert admin.execute(damage.encode()).rowcount == 1
    async with auditor:
        assert Finding(position, f"history: {what}") in await misbound(auditor, "demo")


@pytest.mark.parametrize(("edit", "column"), EDITS.items())
async def test_an_edited_entry_of_a_page_is_found(
    auditor: AsyncConnection,
    entries: dict[Place, HistoryRow],
    admin: Connection[TupleRow],
    edit: str,
    column: str,
) -> None:
    admin.execute(f"UPDATE history_pages SET {edit} WHERE page = 1".encode())  # noqa: S608 — our own
    async with auditor:
        assert await wrong_entries(auditor, entries) == [
            Finding(66, f"history: the row after this event has other {column}")
        ]


@pytest.mark.parametrize(("old", "edited"), OLD_EDITS.items())
async def test_entries_of_version_2_are_compared_until_they_are_made_anew(
    auditor: AsyncConnection,
    told: "Told",
    admin: Connection[TupleRow],
    old: str,
    edited: tuple[str, str],
) -> None:
    told.make_old(told.append_much("demo", 64, Random(7))[-20:])  # noqa: S311 — test data
    told.make_old(told.append("demo", [ADDED, REMOVED]))  # binds the first
    entries = {("demo", position): row for position, row in told.rows.items()}
    text, column = edited
    async with auditor:
        assert await wrong_entries(auditor, entries) == []
        assert admin.execute(EDIT, (old, text)).rowcount == 1
        assert await wrong_entries(auditor, entries) == [
            Finding(66, f"history: the row after this event has other {column}")
        ]
