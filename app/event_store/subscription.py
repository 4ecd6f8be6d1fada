"""Reads the log from a position on, in batches, and tails it; never skips an event."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import psycopg
from msgspec import Struct
from msgspec.structs import asdict, replace
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed

BATCH_SIZE = 5_000  # events
POLL_INTERVAL = 0.2  # seconds between two looks at the log's end
MAX_RECONNECT_DELAY = 10.0  # seconds, at most, between two attempts to reach the database
HEAD = "SELECT coalesce(max(position), 0) FROM integrations.events"
BATCH_AFTER = """
SELECT position, envelope FROM integrations.events
WHERE position > %(after)s AND position <= %(to)s {workspace} {stream}
ORDER BY position LIMIT %(limit)s
"""
OF_WORKSPACE, OF_STREAM = SQL("AND workspace_id = %(workspace)s"), SQL("AND stream = %(stream)s")
Batch = Sequence[tuple[int, bytes]]
"""Positions and stored envelopes, in the order of the log."""
Connect = Callable[[], AbstractContextManager[Connection[TupleRow]]]
log = logging.getLogger(__name__)


class LogRange(Struct, frozen=True, kw_only=True):
    """Events after one position up to another, of all or of one workspace or integration."""

    after: int = 0
    to: int
    workspace: str | None = None
    stream: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no event in between is left out."""
        return self.workspace is None and self.stream is None


class LogCorruptedError(Exception):
    """The log has a hole or has become shorter; whoever reads it stops here."""


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
        if part.is_whole:
            yield from require_dense(found, after, min(part.to, after + batch))
        elif found:
            yield found
        if len(found) < batch:
            return
        after = found[-1][0]


def range_query(part: LogRange) -> Composed:
    """Return what reads a batch of *part*."""
    workspace = SQL("") if part.workspace is None else OF_WORKSPACE
    stream = SQL("") if part.stream is None else OF_STREAM
    return SQL(BATCH_AFTER).format(workspace=workspace, stream=stream)


def require_dense(found: Batch, after: int, to: int) -> Iterator[Batch]:
    """Yield *found*, which must hold every position after *after* up to *to*."""
    for index, (position, _) in enumerate(found):
        if position != after + index + 1:
            yield found[:index]
            raise gap_error(after + index + 1)
    yield found
    if len(found) < to - after:
        raise gap_error(after + len(found) + 1)


def gap_error(position: int) -> LogCorruptedError:
    """Return the error that names the first missing *position*."""
    return LogCorruptedError(f"The log is damaged: position {position} is missing.")


def head_position(connection: Connection[TupleRow]) -> int:
    """Return the last position of the log, 0 where it is empty."""
    row = connection.execute(HEAD).fetchone()
    assert row is not None  # noqa: S101 — an aggregate always has a row
    return row[0]


def subscribe(connect: Connect, part: LogRange, pause: float = POLL_INTERVAL) -> Iterator[Batch]:
    """Yield the events of *part*, whatever its `to`, and then each new one; never end.

    *connect* opens an autocommitting connection, again and again where the database goes away:
    what was yielded is not yielded again, and nothing is left out.

    Raises:
        LogCorruptedError: a position is missing, or the log has become shorter.
    """
    after, failures = part.after, 0
    while True:
        try:
            with connect() as connection:
                failures = 0
                for batch, seen in poll_batches(connection, part, after, pause):
                    after = seen
                    if batch:
                        yield batch
        except psycopg.Error as error:
            if not is_connection_loss(error):
                raise
            failures += 1
            if failures == 1:
                log.warning("The database is away; waiting for it.")
            time.sleep(min(MAX_RECONNECT_DELAY, pause * 2**failures))


def is_connection_loss(error: psycopg.Error) -> bool:
    """Tell whether the connection broke, where psycopg may say too that it got no result."""
    lost = isinstance(error, psycopg.InternalError) and error.sqlstate is None
    return lost or isinstance(error, psycopg.OperationalError)


def poll_batches(
    connection: Connection[TupleRow], part: LogRange, after: int, pause: float
) -> Iterator[tuple[Batch, int]]:
    """Yield batches after *after*, each with the position up to which the log was looked at."""
    while True:
        head = head_position(connection)
        if head < after:
            message = f"The log is damaged: it ends at {head}, and {after} was read before."
            raise LogCorruptedError(message)
        for batch in read_range(connection, replace(part, after=after, to=head)):
            yield batch, batch[-1][0] if batch else after
        if head > after:
            yield (), head
        after = head
        time.sleep(pause)
