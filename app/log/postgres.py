"""The event log in PostgreSQL, for the write path: asynchronous, one round trip an append."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from app.log.event_log import UnavailableError, VersionTakenError, Write
from app.log.mapper import recorded_from, stored_from
from app.secrets.sealing import SealedSecret
from domain.recorded import Recorded

READ = """
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %s AND stream = %s ORDER BY version
"""
RECORD = """
SELECT integrations.record(
    %s, %s, %s, %s::text[], %b::bytea[], %s::jsonb, %s,
    %s::text[], %s::integer[], %s::text[], %b::bytea[], %b::bytea[], %b::bytea[]
)
"""
VERSION_CONSTRAINT = "events_version"
log = logging.getLogger(__name__)


class PostgresLog:
    """The event log over a pool of autocommitting connections of the role for commands."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.pool = pool

    async def read(self, workspace: str, stream: str) -> list[Recorded]:
        """Return all events of *stream*, oldest first."""
        with unavailable_for_failures():
            async with self.pool.connection() as connection:
                cursor = await connection.execute(READ, (workspace, stream), binary=True)
                return [recorded_from(*row) for row in await cursor.fetchall()]

    async def append(self, write: Write) -> list[int]:
        """Record *write* in one statement, hence one transaction; return the positions."""
        with unavailable_for_failures(), taken_for_conflicts():
            async with self.pool.connection() as connection:
                cursor = await connection.execute(RECORD, parameters_of(write))
                return [position for (position,) in await cursor.fetchall()]


def parameters_of(write: Write) -> tuple[object, ...]:
    """Return the parameters of `integrations.record`, in its order."""
    first = write.envelopes[0]
    stored = [stored_from(envelope) for envelope in write.envelopes]
    return (
        first.workspace,
        first.stream,
        first.version,
        [event.topic for event in stored],
        [event.state for event in stored],
        msgspec.json.encode(write.rows).decode(),
        write.shred,
        *columns_of(write.sealed),
    )


def columns_of(sealed: Sequence[SealedSecret]) -> tuple[list[object], ...]:
    """Return the rows of the secret store column by column, ciphertext only."""
    return (
        [secret.field for secret in sealed],
        [secret.version for secret in sealed],
        [secret.kek for secret in sealed],
        [secret.wrapped_key for secret in sealed],
        [secret.nonce for secret in sealed],
        [secret.ciphertext for secret in sealed],
    )


@contextmanager
def taken_for_conflicts() -> Generator[None]:
    """Raise VersionTakenError for the log's own constraint; other constraints are bugs.

    The database's message is dropped, as its DETAIL repeats values.
    """
    try:
        yield
    except errors.UniqueViolation as error:
        if error.diag.constraint_name != VERSION_CONSTRAINT:
            raise
        raise VersionTakenError from None


@contextmanager
def unavailable_for_failures() -> Generator[None]:
    """Raise UnavailableError where the database is away, busy, full or told to stop."""
    try:
        yield
    except (PoolTimeout, PoolClosed, TooManyRequests, psycopg.OperationalError) as error:
        log.warning("database unavailable", extra={"reason": type(error).__name__})
        raise UnavailableError from None
