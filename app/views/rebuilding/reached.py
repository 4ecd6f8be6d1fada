"""What the numbers and latests of a journal have reached in its shadow."""

from collections.abc import Sequence
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from app.views.rebuilding.places import Places, columns_in
from app.views.rebuilding.shadows import Shadow
from projections.journal import Group, Journal

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


def resumed(
    cursor: Cursor[TupleRow], journal: Journal[Any], shadow: Shadow, rows: Sequence[Any]
) -> dict[str, Places]:
    """Return the places of the workspaces of *rows*, as far as *shadow* has them."""
    places = {row.workspace_id: Places(journal) for row in rows}
    if not rows:
        return places
    for column, group in journal.numbers.items():
        names = columns_in(group)
        wanted = {tuple(getattr(row, name) for name in names) for row in rows}
        arrays = [list(values) for values in zip(*wanted, strict=True)]
        for workspace, *key, number in cursor.execute(
            number_statement(shadow, column, group), arrays
        ):
            places[workspace].reach(column, key or [workspace], number)
    for column in journal.latest:
        for workspace, value in cursor.execute(latest_statement(shadow, column), ([*places],)):
            places[workspace].latest[column] = value
    return places


def number_statement(shadow: Shadow, column: str, group: Group) -> Composed:
    """Return what finds the last number of each group."""
    names = columns_in(group)
    return NUMBER.format(
        groups=SQL(", ").join(map(Identifier, names)),
        column=Identifier(column),
        table=shadow.table,
        same=same_group(group),
        arrays=SQL(", ").join([SQL("%s::text[]")] * len(names)),
    )


def same_group(group: Group) -> Composed:
    """Return the condition that a kept row is of the wanted group, as an index can look it up."""
    if group.joined is None:
        same = [SQL("kept.{0} = wanted.{0}").format(Identifier(name)) for name in columns_in(group)]
        return SQL(" AND ").join(same)
    parts = [SQL("wanted.{}").format(Identifier(name)) for name in group.by]
    return SQL("kept.workspace_id = wanted.workspace_id AND kept.{} = {}").format(
        Identifier(group.joined), SQL(" || ' ' || ").join(parts)
    )


def latest_statement(shadow: Shadow, column: str) -> Composed:
    """Return what finds the latest value of each workspace: that of its last row."""
    last = Identifier(shadow.key[-1])
    return LATEST.format(column=Identifier(column), table=shadow.table, last=last)
