"""Compares the rows of views with those that follow from the log; any view of the catalogue."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import astuple
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from app.audit.finding import Finding
from app.audit.stream_fold import Expected
from projections.catalogue import JOURNALS, PROJECTIONS
from projections.journal import Journal
from projections.projection import Projection

Key = tuple[Any, ...]
"""Workspace, stream and, of a row of a journal, version: its first columns."""
View = Projection[Any] | Journal[Any]
ARRAYS = ("text[]", "text[]", "bigint[]")
OF_KEYS = SQL("""
SELECT {columns} FROM {table} JOIN unnest({arrays}) AS wanted ({key}) USING ({key})
""")
NO_EVENT = SQL("""
SELECT min(made.position) FROM {table} AS made
LEFT JOIN integrations.events AS event USING (position, workspace_id, stream, version)
WHERE event.envelope IS NULL AND (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
""")
NO_STREAM = SQL("""
SELECT {stream} FROM {table} AS made
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = made.workspace_id AND event.stream = made.{stream}
) LIMIT 1
""")
MISCOUNTED = SQL("""
SELECT min(position) FROM (
    SELECT position, ({wrong}) AS is_wrong FROM {table}
    WHERE %(workspace)s::text IS NULL OR workspace_id = %(workspace)s
) AS counted WHERE is_wrong
""")
NUMBER = SQL("{column} <> row_number() OVER (PARTITION BY {group} ORDER BY position)")
LATEST = SQL("{column} <> max({source}) OVER (PARTITION BY workspace_id ORDER BY position)")


async def wrong_rows(
    connection: AsyncConnection, view: View, expected: Mapping[Key, Expected]
) -> list[Finding]:
    """Return where rows of *view* are not as *expected*."""
    columns = columns_of(view)
    statement = statement_of(view, columns)
    keys = [*map(list, zip(*expected, strict=True))] or [[]] * key_length(view)
    cursor = await connection.execute(statement, keys, binary=True)
    found = {row[: key_length(view)]: row for row in await cursor.fetchall()}
    return [
        Finding(position, f"{view.name}: {difference(columns, found.get(key), wanted)}")
        for key, (position, row) in expected.items()
        if found.get(key) != (wanted := row and (*astuple(row), position)[: len(columns)])
    ]


def difference(columns: list[str], found: Key | None, wanted: Key | None) -> str:
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
    for name in JOURNALS:
        statement = NO_EVENT.format(table=table(name))
        if (position := await asked(connection, statement, workspace)) is not None:
            found.append(Finding(position, f"{name}: a row is there without its event"))
    for name, column in {**streams, "secret_store": "stream"}.items():
        statement = NO_STREAM.format(table=table(name), stream=Identifier(column))
        if (stream := await asked(connection, statement, workspace)) is not None:
            found.append(Finding(None, f"{name}: a row is there for {stream}, which has no events"))
    return found


async def miscounted(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return where numbers and latest values in journals are not those of the rows before."""
    found: list[Finding] = []
    for name, journal in JOURNALS.items():
        statement = MISCOUNTED.format(table=table(name), wrong=wrong_number(journal))
        if (position := await asked(connection, statement, workspace)) is not None:
            numbers = ", ".join([*journal.numbers, *journal.latest])
            found.append(Finding(position, f"{name}: the row does not follow in {numbers}"))
    return found


def wrong_number(journal: Journal[Any]) -> Composed:
    """Return the condition that a row of *journal* does not follow from those before."""
    numbers = [
        NUMBER.format(
            column=Identifier(column),
            group=SQL(", ").join(map(Identifier, ("workspace_id", *group.by))),
        )
        for column, group in journal.numbers.items()
    ]
    latest = [
        LATEST.format(column=Identifier(column), source=Identifier(source))
        for column, source in journal.latest.items()
    ]
    return SQL(" OR ").join([*numbers, *latest])


async def asked(connection: AsyncConnection, statement: Composed, workspace: str | None) -> Any:  # noqa: ANN401 — a position or the name of a stream
    """Return the one value that *statement* asks for, None where there is none."""
    row = await (await connection.execute(statement, {"workspace": workspace})).fetchone()
    return row and row[0]


def columns_of(view: View) -> list[str]:
    """Return the columns that are compared row by row."""
    fields = [*view.row.__struct_fields__]
    return [*fields, "position"] if isinstance(view, Journal) else fields


def key_length(view: View) -> int:
    """Return how many of the first columns tell a row from all others."""
    return 3 if isinstance(view, Journal) else 2


def statement_of(view: View, columns: list[str]) -> Composed:
    """Return what reads the rows of given keys."""
    length = key_length(view)
    return OF_KEYS.format(
        columns=SQL(", ").join(map(Identifier, columns)),
        table=table(view.name),
        arrays=SQL(", ").join(SQL("%s::") + SQL(array) for array in ARRAYS[:length]),
        key=SQL(", ").join(map(Identifier, columns[:length])),
    )


def table(name: str) -> Identifier:
    """Return the table *name* in SQL."""
    return Identifier("integrations", name)
