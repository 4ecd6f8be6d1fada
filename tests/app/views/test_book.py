"""The database binds what is written as the book in Python does."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import TYPE_CHECKING

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from app.views.book import COLUMNS, Book
from projections.history import HistoryRow

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.conftest import Told


def stored(admin: Connection[TupleRow]) -> dict[str, list[TupleRow]]:
    """Return the rows of all tables of the history."""
    return {table: rows_of(admin, table, columns) for table, columns in COLUMNS.items()}


def rows_of(admin: Connection[TupleRow], table: str, columns: Iterable[str]) -> list[TupleRow]:
    """Return what *columns* of *table* hold, in any order."""
    names = SQL(", ").join(map(Identifier, columns))
    query = SQL("SELECT {} FROM {}").format(names, Identifier("integrations", table))
    return sorted(admin.execute(query, binary=True), key=repr)


def bound(
    workspace: str, kept: Mapping[int, HistoryRow], at_once: int = 1
) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows that a rebuild makes of what is *kept* of *workspace*, so many at once."""
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in COLUMNS}
    book = Book(workspace, {table: new.append for table, new in rows.items()})
    mine = [position for position, row in kept.items() if row.workspace_id == workspace]
    for first in range(0, len(mine), at_once):
        some = mine[first : first + at_once]
        book.extend(some, [kept[position] for position in some])
    book.close()
    return rows


@pytest.mark.parametrize("at_once", [2, 63, 64, 65, 100, 3000])
def test_entries_are_bound_alike_however_many_come_at_once(told: "Told", at_once: int) -> None:
    told.append_much("mine", 2200, Random(at_once))  # noqa: S311 — test data

    assert bound("mine", told.rows, at_once) == bound("mine", told.rows)


@pytest.mark.parametrize("amount", [1, 63, 64, 65, 128, 129, 1024, 1025, 2200])
def test_what_is_written_is_bound_as_a_rebuild_binds_it(
    told: "Told", admin: Connection[TupleRow], amount: int
) -> None:
    told.append_much("mine", amount, Random(amount))  # noqa: S311 — test data
    told.append_much("theirs", 70, Random(2))  # noqa: S311 — test data
    told.append("mine", [("int_1", "ann", 3, "INTEGRATION_ENABLED")])

    one, other = bound("mine", told.rows), bound("theirs", told.rows)
    assert stored(admin) == {
        table: sorted(one[table] + other[table], key=repr) for table in COLUMNS
    }
    assert len(one["history"]) == amount % 64 + 1
    assert len(one["history_pages"]) == amount // 64
    assert bool(one["history_lists"]) == (amount >= 1024)
