"""Compares the rows of projections with those that follow from the log; any of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import astuple
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from app.audit.finding import Finding
from app.audit.stream_fold import Expected
from projections.projection import Projection
from projections.registry import PROJECTIONS

Key = tuple[Any, ...]
"""Workspace and stream: the first columns of a row."""
View = Projection[Any]
KEY = 2  # columns
OF_KEYS = SQL("""
SELECT {columns} FROM {table} JOIN unnest(%s::text[], %s::text[]) AS wanted ({key}) USING ({key})
""")
NO_STREAM = SQL("""
SELECT {stream} FROM {table} AS made
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = made.workspace_id AND event.stream = made.{stream}
) LIMIT 1
""")


async def wrong_rows(
    connection: AsyncConnection, view: View, expected: Mapping[Key, Expected]
) -> list[Finding]:
    """Return where rows of *view* are not as *expected*."""
    columns = view.row.__struct_fields__
    keys = [*map(list, zip(*expected, strict=True))] or [[]] * KEY
    cursor = await connection.execute(statement_of(view, columns), keys, binary=True)
    found = {row[:KEY]: row for row in await cursor.fetchall()}
    return [
        Finding(position, f"{view.name}: {difference(columns, found.get(key), wanted)}")
        for key, (position, row) in expected.items()
        if found.get(key) != (wanted := row and astuple(row))
    ]


def difference(columns: Sequence[str], found: Key | None, wanted: Key | None) -> str:
    """Say, without any value, in what a row differs from the one that is *wanted*."""
    if found is None or wanted is None:
        return "a row is missing" if found is None else "a row is there that should be gone"
    named = zip(columns, found, wanted, strict=True)
    wrong = [column for column, one, other in named if one != other]
    return f"the row after this event has other {', '.join(wrong)}"


async def strange_rows(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return which rows of views and which secrets belong to nothing in the log, one a table."""
    streams = {name: view.row.__struct_fields__[1] for name, view in PROJECTIONS.items()}
    found: list[Finding] = []
    for name, column in {**streams, "secret_store": "stream"}.items():
        statement = NO_STREAM.format(table=table(name), stream=Identifier(column))
        if (stream := await asked(connection, statement, workspace)) is not None:
            found.append(Finding(None, f"{name}: a row is there for {stream}, which has no events"))
    return found


async def asked(connection: AsyncConnection, statement: Composed, workspace: str | None) -> Any:  # noqa: ANN401 — a position or the name of a stream
    """Return the one value that *statement* asks for, None where there is none."""
    row = await (await connection.execute(statement, {"workspace": workspace})).fetchone()
    return row and row[0]


def statement_of(view: View, columns: Sequence[str]) -> Composed:
    """Return what reads the rows of given keys."""
    return OF_KEYS.format(
        columns=SQL(", ").join(map(Identifier, columns)),
        table=table(view.name),
        key=SQL(", ").join(map(Identifier, columns[:KEY])),
    )


def table(name: str) -> Identifier:
    """Return the table *name* in SQL."""
    return Identifier("integrations", name)
