"""The event log in PostgreSQL, for the write path: asynchronous, and in batches under load."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count, islice
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction
from psycopg.rows import TupleRow, args_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from app.batching import TOGETHER, Batcher, OverloadedError
from app.database.row_level_security import rows_within, within
from app.log.batch import encoded
from app.log.envelopes import recorded_from
from app.log.event_log import (
    AlreadyAnsweredError,
    StoredAnswer,
    UnavailableError,
    VersionTakenError,
    Write,
)
from app.log.folded import SHAPE, Folded, folded_from, snapshot_of
from app.log.safe_commit import UnconfirmedError, confirm, confirmed, hung_up_after
from domain.recorded import Recorded

RESUME = """
SELECT item, position, content
FROM integrations.resume_streams(%s::text[], %s::text[], %s::bigint[], %s, %s)
"""
RECORD = "SELECT integrations.record(%s::jsonb)"
RECORD_EACH = "SELECT head, refusal FROM integrations.record_each(%s::text[])"
ANSWER = """
SELECT key, fingerprint, status, headers, body FROM integrations.answers
WHERE workspace_id = %s AND key = %s AND answered_at >= now() - interval '24 hours'
"""
KEEP = """
INSERT INTO integrations.snapshots AS kept (workspace_id, stream, shape, version, state)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT ON CONSTRAINT snapshots_key
DO UPDATE SET shape = excluded.shape, version = excluded.version, state = excluded.state
WHERE kept.shape <> excluded.shape OR kept.version < excluded.version
"""
LAZILY = "SELECT set_config('synchronous_commit', 'off', true)"  # for this transaction
REFUSALS = {"taken": VersionTakenError, "answered": AlreadyAnsweredError}  # record_each.sql
PATIENCE = 5.0  # seconds for a commit; on a cluster without its standby it would wait for ever
LANES = 2  # batches of reads under way at once; appends go one batch after the other
MANY = 20  # events after which a snapshot is worth its row; folding one takes some 10 µs
MOST = 500  # events that are read at once
Place = tuple[
    str, str, int | None
]  # workspace, stream, and after which version; None: the snapshot
Found = tuple[Folded, list[Recorded]]  # the snapshot, and the events after it
AWAY = (
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    OverloadedError,
    TimeoutError,
    UnconfirmedError,
    psycopg.OperationalError,
    ReadOnlySqlTransaction,  # a primary that is none any more
)
FOR_ALL = (LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction)
"""What is no single write's fault."""
log = logging.getLogger(__name__)


class PostgresLog:
    """The event log over a pool of autocommitting connections of the role for commands.

    At most *together* questions that wait at the same time share a round trip, and a commit.
    """

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection], *, together: int = TOGETHER
    ) -> None:
        self.pool = pool
        self._reads: Batcher[Place, Found] = Batcher(self._read_all, lanes=LANES, largest=together)
        self._writes: Batcher[Write, list[int]] = Batcher(self._record_all, largest=together)
        self._confirmations: Batcher[None, None] = Batcher(self._confirm_all)

    @property
    def batchers(self) -> Mapping[str, Batcher[Any, Any]]:
        """What asks in batches, by name."""
        return {"reads": self._reads, "appends": self._writes}

    async def read(self, workspace: str, stream: str) -> list[Recorded]:
        """Return all events of *stream*, oldest first."""
        events: list[Recorded] = []
        with unavailable_for_failures():
            while len(events) % MOST == 0:
                _, found = await self._reads.ask((workspace, stream, len(events)))
                if not found:
                    break
                events += found
        return events

    async def resume(self, workspace: str, stream: str) -> Folded:
        """Return *stream* folded up to its last event, from its snapshot on."""
        with unavailable_for_failures():
            kept, events = await self._reads.ask((workspace, stream, None))
            folded = kept.after(events)
            while len(events) >= MANY:
                await self._keep(workspace, stream, folded)
                _, events = await self._reads.ask((workspace, stream, folded.version))
                folded = folded.after(events)
        return folded

    async def append(self, write: Write) -> list[int]:
        """Record *write* and return the positions; what waits together shares one commit."""
        with unavailable_for_failures():
            return await self._writes.ask(write)

    async def answer_to(self, workspace: str, key: str) -> StoredAnswer | None:
        """Return the answer to the first request with the idempotency key, for 24 h."""
        with unavailable_for_failures():
            shape = args_row(StoredAnswer)
            found = await rows_within(self.pool, workspace, ANSWER, (workspace, key), shape)
            if found:
                await self._confirmations.ask(None)
        return found[0] if found else None

    async def confirm(self) -> None:
        """Return once all that has been recorded is safe."""
        with unavailable_for_failures():
            await self._confirmations.ask(None)

    async def _read_all(self, places: Sequence[Place]) -> list[Found]:
        workspaces, streams, afters = map(list, zip(*places, strict=True))
        async with self.pool.connection() as connection:
            asked = (workspaces, streams, afters, SHAPE, MOST)
            rows = await (await connection.execute(RESUME, asked, binary=True)).fetchall()
        kept = [Folded()] * len(places)
        events: list[list[Recorded]] = [[] for _ in places]
        for item, position, content in rows:
            if position is None:
                kept[int(item) - 1] = folded_from(content)
            else:
                events[int(item) - 1].append(recorded_from(position, content))
        return [*zip(kept, events, strict=True)]

    async def _keep(self, workspace: str, stream: str, folded: Folded) -> None:
        snapshot = (workspace, stream, SHAPE, folded.version, snapshot_of(folded))
        with suppress(*AWAY):  # it is made again; who waits needs none
            async with within(self.pool, workspace) as connection:
                await connection.execute(LAZILY)
                await connection.execute(KEEP, snapshot)

    async def _record_all(self, writes: Sequence[Write]) -> Sequence[list[int] | Exception]:
        try:
            [(head,)] = await self._committed(RECORD, encoded(writes))
        except (psycopg.Error, UnicodeError) as error:
            if not may_be_of_one(error):
                raise
            return await self._record_each(writes)
        return positions_after(head, writes)

    async def _record_each(self, writes: Sequence[Write]) -> Sequence[list[int] | Exception]:
        batches = [*map(encoded_or_none, writes)]
        known = [batch for batch in batches if batch is not None]
        answers = iter(await self._committed(RECORD_EACH, known) if known else ())
        results: list[list[int] | Exception] = []
        for batch, write in zip(batches, writes, strict=True):
            head, refusal = (None, "22000") if batch is None else next(answers)
            results.append(positions_or_refusal(head, refusal, write))
        return results

    async def _committed(self, query: LiteralString, parameter: object) -> list[TupleRow]:
        """Return the rows of *query* once what it did is committed, and safe."""
        async with self._of_primary() as connection:
            with hung_up_after(PATIENCE, connection), confirmed(connection):
                cursor = await connection.execute(query, (parameter,))
            return await cursor.fetchall()

    async def _confirm_all(self, asked: Sequence[None]) -> Sequence[None]:
        # Cancelled in time: nothing that matters was written, and who waits keeps a connection.
        async with self._of_primary() as connection, asyncio.timeout(PATIENCE):
            await confirm(connection)
        return asked

    @asynccontextmanager
    async def _of_primary(self) -> AsyncGenerator[AsyncConnection]:
        async with self.pool.connection() as connection:
            try:
                yield connection
            except ReadOnlySqlTransaction:
                await connection.close()  # the pool makes others, to the primary of now
                raise


def may_be_of_one(error: psycopg.Error | UnicodeError) -> bool:
    """Tell whether *error* undid a batch for what one write of it may have been at fault for.

    Only what the server says in a session that goes on is certain to have undone it.
    """
    if isinstance(error, UnicodeError):
        return True
    return error.diag.severity_nonlocalized == "ERROR" and not isinstance(error, FOR_ALL)


def encoded_or_none(write: Write) -> str | None:
    """Return *write* alone as the database takes it, None where its text is none."""
    try:
        return encoded([write])
    except UnicodeError:
        return None


def positions_after(head: int, writes: Sequence[Write]) -> list[list[int]]:
    """Return the positions of the events of each of *writes*, which follow the position *head*."""
    numbers = count(head + 1)
    return [[*islice(numbers, len(write.envelopes))] for write in writes]


def positions_or_refusal(
    head: int | None, refusal: str | None, write: Write
) -> list[int] | Exception:
    """Return what `integrations.record_each` says of *write*, a refusal as its error."""
    if head is not None:
        return positions_after(head, [write])[0]
    if refusal in REFUSALS:
        return REFUSALS[refusal]()
    return psycopg.errors.lookup(refusal or "XX000")()


@contextmanager
def unavailable_for_failures() -> Generator[None]:
    """Raise UnavailableError where the database is away, busy, full or told to stop."""
    try:
        yield
    except AWAY as error:
        log.warning("database unavailable", extra={"reason": type(error).__name__})
        raise UnavailableError from None
