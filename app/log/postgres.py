"""The event log in PostgreSQL, for the write path: asynchronous, one round trip an append."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from app.log.event_log import (
    AlreadyAnsweredError,
    StillRunningError,
    StoredAnswer,
    UnavailableError,
    VersionTakenError,
    Write,
)
from app.log.mapper import recorded_from, stored_from
from app.secrets.sealing import SealedSecret
from domain.recorded import Recorded

READ = """
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %s AND stream = %s ORDER BY version
"""
RECORD = """
SELECT integrations.record(
    %s, %s, %s, %s::text[], %b::bytea[], %s::jsonb, %s::jsonb, %s,
    %s::text[], %s::integer[], %s::text[], %b::bytea[], %b::bytea[], %b::bytea[],
    %s, %b, %s::smallint, %s::jsonb, %b
)
"""
ANSWER = """
SELECT key, fingerprint, status, headers, body FROM integrations.answers
WHERE workspace_id = %s AND key = %s AND answered_at >= now() - interval '24 hours'
"""
VERSION_CONSTRAINT = "events_version"
ANSWERED, RUNNING = "IK001", "IK002"  # record.sql
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
        with unavailable_for_failures(), refusals_by_name():
            async with self.pool.connection() as connection:
                cursor = await connection.execute(RECORD, parameters_of(write))
                return [position for (position,) in await cursor.fetchall()]

    async def answer_to(self, workspace: str, key: str) -> StoredAnswer | None:
        """Return the answer to the first request with the idempotency key, for 24 h."""
        with unavailable_for_failures():
            async with self.pool.connection() as connection:
                cursor = await connection.execute(ANSWER, (workspace, key), binary=True)
                row = await cursor.fetchone()
        return StoredAnswer(*row) if row else None


def parameters_of(write: Write) -> tuple[object, ...]:
    """Return the parameters of `integrations.record`, in its order."""
    stored = [stored_from(envelope) for envelope in write.envelopes]
    return (
        write.workspace,
        write.stream,
        write.envelopes[0].version if write.envelopes else 0,
        [event.topic for event in stored],
        [event.state for event in stored],
        msgspec.json.encode(write.rows).decode(),
        msgspec.json.encode(write.entries).decode(),
        write.shred,
        *columns_of(write.sealed),
        *answer_columns_of(write.answer),
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


def answer_columns_of(answer: StoredAnswer | None) -> tuple[object, ...]:
    """Return the row of the answers to repeated requests; nulls where none is to be kept."""
    if answer is None:
        return (None,) * 5
    headers = msgspec.json.encode(answer.headers).decode()
    return (answer.key, answer.fingerprint, answer.status, headers, answer.body)


@contextmanager
def refusals_by_name() -> Generator[None]:
    """Raise what the log's own refusals mean; any other refusal is a bug of ours.

    The database's message is dropped, as its DETAIL repeats values.
    """
    try:
        yield
    except psycopg.Error as error:
        raise meaning_of(error) from None


def meaning_of(error: psycopg.Error) -> Exception:
    """Return what *error* of `integrations.record` says; itself where it says nothing of ours."""
    if error.diag.constraint_name == VERSION_CONSTRAINT:
        return VersionTakenError()
    refusals = {ANSWERED: AlreadyAnsweredError, RUNNING: StillRunningError}
    return refusals[error.sqlstate]() if error.sqlstate in refusals else error


@contextmanager
def unavailable_for_failures() -> Generator[None]:
    """Raise UnavailableError where the database is away, busy, full or told to stop."""
    try:
        yield
    except (PoolTimeout, PoolClosed, TooManyRequests, psycopg.OperationalError) as error:
        log.warning("database unavailable", extra={"reason": type(error).__name__})
        raise UnavailableError from None
