"""What the numbers and latests of a journal have reached in its shadow."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from app.views.places import Places, group_of
from app.views.shadows import Shadow
from projections.journal import Journal

# One step down an index a group, however many rows there are.
NUMBER = SQL("""
SELECT {groups}, coalesce((SELECT max({column}) FROM {table} AS kept WHERE {same}), 0)
FROM unnest({arrays}) AS wanted ({groups})
""")
LATEST = SQL("""
SELECT workspace_id, (
    SELECT {column} FROM {table} AS kept WHERE kept.workspace_id = wanted.workspace_id
    ORDER BY {last} DESC LIMIT 1
) FROM unnest(%s::text[]) AS wanted (workspace_id)
""")


def resume(
    cursor: Cursor[TupleRow],
    journal: Journal[Any],
    shadow: Shadow,
    places: Places,
    rows: Sequence[Any],
) -> None:
    """Set *places* to what *shadow* has reached in the groups of *rows*."""
    if not rows:
        return
    for column, by in journal.numbers.items():
        group = group_of(by)
        wanted = {tuple(getattr(row, name) for name in group) for row in rows}
        arrays = [list(values) for values in zip(*wanted, strict=True)]
        for *key, number in cursor.execute(number_statement(shadow, column, group), arrays):
            places.numbers[column][tuple(key) if by else key[0]] = count(number + 1)
    workspaces = [*{row.workspace_id for row in rows}]
    for column in journal.latest:
        cursor.execute(latest_statement(shadow, column), (workspaces,))
        reached = {workspace: value for workspace, value in cursor if value is not None}
        places.latest[column].update(reached)


def number_statement(shadow: Shadow, column: str, groups: Sequence[str]) -> Composed:
    """Return what finds the last number of each group."""
    same = [SQL("kept.{0} = wanted.{0}").format(Identifier(name)) for name in groups]
    return NUMBER.format(
        groups=SQL(", ").join(map(Identifier, groups)),
        column=Identifier(column),
        table=shadow.table,
        same=SQL(" AND ").join(same),
        arrays=SQL(", ").join([SQL("%s::text[]")] * len(groups)),
    )


def latest_statement(shadow: Shadow, column: str) -> Composed:
    """Return what finds the latest value of each workspace: that of its last row."""
    last = Identifier(shadow.key[-1])
    return LATEST.format(column=Identifier(column), table=shadow.table, last=last)
