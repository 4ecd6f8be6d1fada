"""Reads the log as it is stored: streams and workspaces for requests, chunks for bulk readers."""

import sys
from array import array
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import LiteralString, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace
from psycopg import Connection
from psycopg.rows import AsyncRowFactory, TupleRow, args_row, tuple_row
from psycopg.sql import SQL

from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace
from app.event_store.codec import decode_recorded
from app.event_store.log_range import BATCH_SIZE, Batch, LogRange, range_query, read_range
from domain.envelope import RecordedEvent

READ_STREAM_SQL = """
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %s AND stream = %s AND version > %s AND position <= %s
ORDER BY version LIMIT %s
"""
READ_WORKSPACE_SQL = """
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %s AND sequence > %s AND sequence <= (SELECT integrations.sequence_at(%s, %s))
ORDER BY sequence LIMIT %s
"""
HEAD_SQL = "SELECT integrations.head()"
COUNT_EVENTS_SQL = "SELECT integrations.sequence_at(%s, %s)"
READ_BATCH = 500  # events: some milliseconds in which other requests wait
LAST_POSITION = 2**63 - 1  # positions are bigint
EVENT = args_row(decode_recorded)
Row = TypeVar("Row")
# Longer chunks are copied again and again while they grow.
JOIN_CHUNKS_SQL = SQL("""
SELECT
    string_agg(int8send(position), '' ORDER BY position),
    string_agg(envelope, ',' ORDER BY position)
FROM ({batch}) AS batch GROUP BY position / 250 ORDER BY position / 250
""")


class LogReader:
    """Reads over a pool of connections of the role for looking back."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def count_events(self, workspace: str, until: int = LAST_POSITION) -> int:
        """Return how many events *workspace* has up to the position *until*, without reading them.

        Raises:
            UnavailableError: the database is away or busy.
        """
        [(amount,)] = await self._read(workspace, COUNT_EVENTS_SQL, (until,), tuple_row)
        return amount

    async def head(self) -> int:
        """Return the last position of the log, of all workspaces.

        Raises:
            UnavailableError: the database is away or busy.
        """
        with translate_unavailable():
            async with self.pool.connection() as connection:
                [(position,)] = await (await connection.execute(HEAD_SQL)).fetchall()
        return position

    async def read_page(self, part: LogRange, limit: int) -> list[RecordedEvent]:
        """Return at most *limit* events of *part*, which is of one workspace, the oldest first.

        Raises:
            UnavailableError: the database is away or busy.
        """
        wanted = {**asdict(part), "limit": limit}
        with translate_unavailable():
            return await fetch_in_workspace(
                self.pool, part.workspace or "", range_query(part), wanted, EVENT
            )

    async def read_stream(
        self, workspace: str, stream: str, until: int = LAST_POSITION
    ) -> AsyncGenerator[RecordedEvent]:
        """Yield the events of *stream* up to the position *until*, oldest first, as below.

        Raises:
            UnavailableError: the database is away or busy.
        """
        after, full = 0, True
        while full:
            parameters = (stream, after, until, READ_BATCH)
            events = await self._read(workspace, READ_STREAM_SQL, parameters, EVENT)
            for event in events:
                yield event
            full = len(events) == READ_BATCH
            after += len(events)

    async def read_workspace(
        self, workspace: str, until: int = LAST_POSITION
    ) -> AsyncGenerator[RecordedEvent]:
        """Yield the events of *workspace* up to the position *until*, in the order of the log.

        No more than a batch is in memory, and no connection is held between batches.

        Raises:
            UnavailableError: the database is away or busy.
        """
        after, full = 0, True
        while full:
            parameters = (after, workspace, until, READ_BATCH)
            events = await self._read(workspace, READ_WORKSPACE_SQL, parameters, EVENT)
            for event in events:
                yield event
            full = len(events) == READ_BATCH
            after += len(events)

    async def _read(
        self,
        workspace: str,
        query: LiteralString,
        parameters: tuple[str | int, ...],
        shape: AsyncRowFactory[Row],
    ) -> list[Row]:
        with translate_unavailable():
            return await fetch_in_workspace(
                self.pool, workspace, query, (workspace, *parameters), shape
            )


class Chunk(Struct, frozen=True):
    """Events in the order of the log: their positions, and what is stored of them, a JSON array."""

    positions: Sequence[int]
    envelopes: bytes


def read_chunks(
    connection: Connection[TupleRow], part: LogRange, batch: int = BATCH_SIZE
) -> Iterator[Sequence[Chunk]]:
    """Yield the events of *part* as `read_range` does, at most *batch* at a time.

    Raises:
        LogCorruptedError: a position is missing; the events before it were yielded.
    """
    statement = JOIN_CHUNKS_SQL.format(batch=range_query(part))
    after = part.after
    while after < part.to:
        wanted = {**asdict(part), "after": after, "limit": batch}
        rows = connection.execute(statement, wanted, binary=True, prepare=True)
        found = [chunk_from_row(*row) for row in rows]
        amount = sum(len(chunk.positions) for chunk in found)
        last = found[-1].positions[-1] if found else after
        if part.is_unfiltered and (last != after + amount or amount < min(batch, part.to - after)):
            for events in read_range(
                connection, replace(part, after=after), batch
            ):  # finds the hole
                yield [chunk_from_events(events)]
        if found:
            yield found
        if amount < batch:
            return
        after = last


def chunk_from_row(positions: bytes, envelopes: bytes) -> Chunk:
    """Return the chunk that the database joined; it sends numbers with their first byte first."""
    numbers = array("q", positions)
    if sys.byteorder == "little":
        numbers.byteswap()
    return Chunk(numbers, b"[%b]" % envelopes)


def chunk_from_events(events: Batch) -> Chunk:
    """Return *events* as a chunk."""
    envelopes = b",".join(envelope for _, envelope in events)
    return Chunk([position for position, _ in events], b"[%b]" % envelopes)
