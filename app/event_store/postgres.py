"""The event log in PostgreSQL, for the write path: asynchronous, and in batches under load."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count, islice
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction
from psycopg.rows import TupleRow, args_row

from app.batching import MAX_BATCH, Batcher
from app.database.availability import UNAVAILABLE_ERRORS, translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace, workspace_connection
from app.event_store.batch import encode_batch
from app.event_store.codec import decode_recorded
from app.event_store.protocol import (
    Changeset,
    ConcurrencyError,
    DuplicateRequestError,
    StoredResponse,
)
from app.event_store.replication import abort_after, confirm_replicated, require_replicated
from app.event_store.snapshots import (
    SNAPSHOT_FORMATS,
    StreamState,
    decode_snapshot,
    empty_stream,
    encode_snapshot,
)
from domain.aggregates import aggregate_of
from domain.envelope import RecordedEvent

LOAD_STREAMS_SQL = """
SELECT item, position, content
FROM integrations.load_streams(%s::text[], %s::text[], %s::bigint[], %s::text[], %s)
"""
RECORD_SQL = "SELECT integrations.record_batch(%s::jsonb)"
RECORD_EACH_SQL = "SELECT head, refusal FROM integrations.record_each(%s::text[])"
STORED_RESPONSE_SQL = """
SELECT key, fingerprint, status, headers, body FROM integrations.idempotent_responses
WHERE workspace_id = %s AND key = %s AND stored_at >= integrations.response_expiry()
"""
UPSERT_SNAPSHOT_SQL = """
INSERT INTO integrations.snapshots AS stored (workspace_id, stream, shape, version, state)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT ON CONSTRAINT snapshots_key
DO UPDATE SET shape = excluded.shape, version = excluded.version, state = excluded.state
WHERE stored.shape <> excluded.shape OR stored.version < excluded.version
"""
ASYNC_COMMIT_SQL = "SELECT set_config('synchronous_commit', 'off', true)"  # for this transaction
REFUSALS = {"taken": ConcurrencyError, "duplicate": DuplicateRequestError}  # record_each.sql
COMMIT_TIMEOUT = (
    5.0  # seconds for a commit; on a cluster without its standby it would wait for ever
)
READ_CONCURRENCY = 2  # batches of reads under way at once; appends go one batch after the other
SNAPSHOT_EVERY = 20  # events after which a snapshot is worth its row; folding one takes some 10 µs
READ_LIMIT = 500  # events that are read at once
StreamRef = tuple[
    str, str, int | None
]  # workspace, stream, and after which version; None: the snapshot
Found = tuple[StreamState, list[RecordedEvent]]  # the snapshot, and the events after it
BATCH_WIDE_ERRORS = (LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction)
"""What is no single write's fault."""
log = logging.getLogger(__name__)


class PostgresEventLog:
    """The event log over a pool of autocommitting connections of the role for commands.

    At most *max_batch* requests that wait at the same time share a round trip, and a commit.
    """

    def __init__(self, pool: Pool, *, max_batch: int = MAX_BATCH) -> None:
        self.pool = pool
        self._reads: Batcher[StreamRef, Found] = Batcher(
            self._read_all, concurrency=READ_CONCURRENCY, max_batch=max_batch
        )
        self._writes: Batcher[Changeset, list[int]] = Batcher(self._record_all, max_batch=max_batch)
        self._confirmations: Batcher[None, None] = Batcher(self._confirm_all)

    @property
    def batchers(self) -> Mapping[str, Batcher[Any, Any]]:
        """The batchers, by name."""
        return {"reads": self._reads, "appends": self._writes}

    async def read(self, workspace: str, stream: str) -> list[RecordedEvent]:
        """Return all events of *stream*, oldest first."""
        events: list[RecordedEvent] = []
        with translate_unavailable():
            while len(events) % READ_LIMIT == 0:
                _, found = await self._reads.submit((workspace, stream, len(events)))
                if not found:
                    break
                events += found
        return events

    async def load(self, workspace: str, stream: str) -> StreamState:
        """Return *stream* folded up to its last event, from its snapshot on."""
        with translate_unavailable():
            snapshot, events = await self._reads.submit((workspace, stream, None))
            folded = snapshot.apply(events)
            while len(events) >= SNAPSHOT_EVERY:
                await self._store_snapshot(workspace, stream, folded)
                _, events = await self._reads.submit((workspace, stream, folded.version))
                folded = folded.apply(events)
        return folded

    async def append(self, write: Changeset) -> list[int]:
        """Record *write* and return the positions; what waits together shares one commit."""
        with translate_unavailable():
            return await self._writes.submit(write)

    async def stored_response(self, workspace: str, key: str) -> StoredResponse | None:
        """Return the stored response to the first request with the idempotency key, for 24 h."""
        with translate_unavailable():
            shape = args_row(StoredResponse)
            found = await fetch_in_workspace(
                self.pool, workspace, STORED_RESPONSE_SQL, (workspace, key), shape
            )
            if found:
                await self._confirmations.submit(None)
        return found[0] if found else None

    async def confirm(self) -> None:
        """Return once all that has been recorded is safe."""
        with translate_unavailable():
            await self._confirmations.submit(None)

    async def _read_all(self, keys: Sequence[StreamRef]) -> list[Found]:
        workspaces, streams, afters = map(list, zip(*keys, strict=True))
        async with self.pool.connection() as connection:
            shapes = [SNAPSHOT_FORMATS[aggregate_of(stream).name] for stream in streams]
            parameters = (workspaces, streams, afters, shapes, READ_LIMIT)
            rows = await (
                await connection.execute(LOAD_STREAMS_SQL, parameters, binary=True)
            ).fetchall()
        snapshots = [*map(empty_stream, streams)]
        events: list[list[RecordedEvent]] = [[] for _ in keys]
        for item, position, content in rows:
            if position is None:
                snapshots[int(item) - 1] = decode_snapshot(content)
            else:
                events[int(item) - 1].append(decode_recorded(position, content))
        return [*zip(snapshots, events, strict=True)]

    async def _store_snapshot(self, workspace: str, stream: str, folded: StreamState) -> None:
        shape = SNAPSHOT_FORMATS[folded.aggregate.name]
        snapshot = (workspace, stream, shape, folded.version, encode_snapshot(folded))
        with suppress(*UNAVAILABLE_ERRORS):  # it is made again; who waits needs none
            async with workspace_connection(self.pool, workspace) as connection:
                await connection.execute(ASYNC_COMMIT_SQL)
                await connection.execute(UPSERT_SNAPSHOT_SQL, snapshot)

    async def _record_all(self, writes: Sequence[Changeset]) -> Sequence[list[int] | Exception]:
        try:
            [(head,)] = await self._execute_and_commit(RECORD_SQL, encode_batch(writes))
        except (psycopg.Error, UnicodeError) as error:
            if not may_be_single_write_error(error):
                raise
            return await self._record_each(writes)
        return positions_after(head, writes)

    async def _record_each(self, writes: Sequence[Changeset]) -> Sequence[list[int] | Exception]:
        batches = [*map(try_encode, writes)]
        known = [batch for batch in batches if batch is not None]
        outcomes = iter(await self._execute_and_commit(RECORD_EACH_SQL, known) if known else ())
        results: list[list[int] | Exception] = []
        for batch, write in zip(batches, writes, strict=True):
            head, refusal = (None, "22000") if batch is None else next(outcomes)
            results.append(write_result(head, refusal, write))
        return results

    async def _execute_and_commit(self, query: LiteralString, parameter: object) -> list[TupleRow]:
        """Return the rows of *query* once what it did is committed, and safe."""
        async with self._of_primary() as connection:
            with abort_after(COMMIT_TIMEOUT, connection), require_replicated(connection):
                cursor = await connection.execute(query, (parameter,))
            return await cursor.fetchall()

    async def _confirm_all(self, calls: Sequence[None]) -> Sequence[None]:
        # Cancelled in time: nothing that matters was written, and who waits keeps a connection.
        async with self._of_primary() as connection, asyncio.timeout(COMMIT_TIMEOUT):
            await confirm_replicated(connection)
        return calls

    @asynccontextmanager
    async def _of_primary(self) -> AsyncGenerator[AsyncConnection]:
        async with self.pool.connection() as connection:
            try:
                yield connection
            except ReadOnlySqlTransaction:
                await connection.close()  # the pool makes others, to the primary of now
                raise


def may_be_single_write_error(error: psycopg.Error | UnicodeError) -> bool:
    """Return whether *error* undid a batch for what one write of it may have been at fault for.

    Only what the server says in a session that continues is certain to have undone it.
    """
    if isinstance(error, UnicodeError):
        return True
    return error.diag.severity_nonlocalized == "ERROR" and not isinstance(error, BATCH_WIDE_ERRORS)


def try_encode(write: Changeset) -> str | None:
    """Return *write* alone as the database takes it, None if its text is none."""
    try:
        return encode_batch([write])
    except UnicodeError:
        return None


def positions_after(head: int, writes: Sequence[Changeset]) -> list[list[int]]:
    """Return the positions of the events of each of *writes*, which follow the position *head*."""
    numbers = count(head + 1)
    return [[*islice(numbers, len(write.envelopes))] for write in writes]


def write_result(head: int | None, refusal: str | None, write: Changeset) -> list[int] | Exception:
    """Return what `integrations.record_each` says of *write*, a refusal as its error."""
    if head is not None:
        return positions_after(head, [write])[0]
    if refusal in REFUSALS:
        return REFUSALS[refusal]()
    return psycopg.errors.lookup(refusal or "XX000")()
