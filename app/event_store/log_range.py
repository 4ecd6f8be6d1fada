"""Reads a range of the log in batches; never skips an event."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import LiteralString

from msgspec import Struct
from msgspec.structs import asdict, replace
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed

BATCH_SIZE = 5_000  # events
HEAD_SQL = "SELECT coalesce(max(position), 0) FROM integrations.events"
READ_RANGE_SQL = """
SELECT position, envelope FROM integrations.events
WHERE position > %(after)s AND position <= %(to)s {workspace} {stream}
ORDER BY {order} LIMIT %(limit)s
"""
# Positions and sequences of a workspace grow together; the latter have an index of their own. In a
# subquery the function is called once: a plan without statistics may call it for each row.
OF_WORKSPACE = SQL("""
AND workspace_id = %(workspace)s
AND sequence > (SELECT integrations.sequence_at(%(workspace)s, %(after)s))
""")
OF_STREAM = SQL("AND stream = %(stream)s")
FIRST_OF_NEWEST_SQL = """
SELECT min(position) FROM (
    SELECT position FROM integrations.events
    WHERE position > %(after)s AND position <= %(to)s {workspace} {stream}
        AND (%(start)s::timestamptz IS NULL OR at >= %(start)s)
        AND (%(end)s::timestamptz IS NULL OR at <= %(end)s)
    ORDER BY {order} DESC LIMIT %(limit)s
) AS newest
"""
Batch = Sequence[tuple[int, bytes]]
"""Positions and stored envelopes, in the order of the log."""


class LogRange(Struct, frozen=True, kw_only=True):
    """Events after one position up to another, of all or of one workspace or integration."""

    after: int = 0
    to: int
    workspace: str | None = None
    stream: str | None = None

    @property
    def is_unfiltered(self) -> bool:
        """Whether no event in between is left out."""
        return self.workspace is None and self.stream is None


class LogCorruptedError(Exception):
    """The log has a hole or has become shorter; its reader stops here."""


def read_range(
    connection: Connection[TupleRow], part: LogRange, batch: int = BATCH_SIZE
) -> Iterator[Batch]:
    """Yield the events of *part*, at most *batch* at a time; no transaction stays open meanwhile.

    Raises:
        LogCorruptedError: a position is missing; the events before it were yielded.
    """
    statement = range_query(part)
    after = part.after
    while after < part.to:
        wanted = {**asdict(part), "after": after, "limit": batch}
        found = connection.execute(statement, wanted, binary=True, prepare=True).fetchall()
        if part.is_unfiltered:
            yield from require_dense(found, after, min(part.to, after + batch))
        elif found:
            yield found
        if len(found) < batch:
            return
        after = found[-1][0]


def newest_range(
    connection: Connection[TupleRow],
    part: LogRange,
    limit: int,
    start: datetime | None,
    end: datetime | None,
) -> LogRange:
    """Return the end of *part*, from the *limit* newest of its events between two times on."""
    wanted = {**asdict(part), "limit": limit, "start": start, "end": end}
    row = connection.execute(part_query(FIRST_OF_NEWEST_SQL, part), wanted).fetchone()
    first = row[0] if row else None
    return replace(part, after=part.to if first is None else first - 1)


def range_query(part: LogRange) -> Composed:
    """Return what reads a batch of *part*."""
    return part_query(READ_RANGE_SQL, part)


def part_query(query: LiteralString, part: LogRange) -> Composed:
    """Return *query* for *part*."""
    workspace = SQL("") if part.workspace is None else OF_WORKSPACE
    stream = SQL("") if part.stream is None else OF_STREAM
    order = SQL("position") if part.workspace is None else SQL("sequence")
    return SQL(query).format(workspace=workspace, stream=stream, order=order)


def require_dense(found: Batch, after: int, to: int) -> Iterator[Batch]:
    """Yield *found* up to its first gap; it must hold every position after *after* up to *to*."""
    amount = count_dense((position for position, _ in found), after)
    yield found[:amount]
    if amount < to - after:
        raise gap_error(after + amount + 1)


def count_dense(positions: Iterable[int], after: int) -> int:
    """Return how many of *positions* come before the first gap after position *after*."""
    amount = 0
    for position in positions:
        if position != after + amount + 1:
            break
        amount += 1
    return amount


def gap_error(position: int) -> LogCorruptedError:
    """Return the error that names the first missing *position*."""
    return LogCorruptedError(f"The log is damaged: position {position} is missing.")


def head_position(connection: Connection[TupleRow]) -> int:
    """Return the last position of the log, 0 if it is empty."""
    row = connection.execute(HEAD_SQL).fetchone()
    assert row is not None  # noqa: S101 — an aggregate always has a row
    return row[0]
