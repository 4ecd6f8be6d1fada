"""Follows the log: adds each event to the trees and signs them, in batches.

It runs in the service, in one process at a time. It reads a backlog by itself, 10,000 events a
transaction, as the library's notifications cost as much as the trees; once it has caught up it
subscribes through the recorder. Either way its position moves in the transaction that signs.

What it has once taken it never reads again: were an event edited, the trees and all later
checkpoints would still hold it as it was, and `verify` reports it. If anything is not as it was
signed, it stops, says so, and signs no more.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import psycopg
import structlog
from psycopg import AsyncConnection

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import CheckpointKey
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.errors import AuditError, AuditKeyReplacedError, CheckpointKeyError
from app.audit.follower_connection import cancel_after, follower_session
from app.audit.key_changes import read_key_changes
from app.audit.tree_signing import Events, sign
from app.audit.tree_store import CheckpointRetention, follower_position, head_position
from app.event_store.log_range import LogCorruptedError, count_dense, gap_error
from app.event_store.recorder import open_subscription, unpack_notification
from app.event_store.subscription import BATCH_SIZE

POLL_INTERVAL = 2.0  # seconds between two polls: how long an event waits for its checkpoint
DELAY_FACTOR = 9  # times as long as a poll has taken: polls take a tenth of the time at most
MAX_POLL_DELAY = 20.0  # seconds of rest at most
SHUTDOWN_TIMEOUT = 2.0  # seconds that it may continue once the service stops
BATCH = 10_000  # events of one transaction
TRY_LOCK_SQL = "SELECT pg_try_advisory_lock(7597137600296673654)"
VERIFIER_SQL = "SELECT verifier FROM integrations.audit_follower"
WAIT_FOR_LOCK_SQL = "SELECT pg_advisory_lock(7597137600296673654)"
READ_EVENTS_SQL = """
SELECT position, workspace_id, envelope FROM integrations.events
WHERE position > %s ORDER BY position LIMIT %s
"""
SAFE_TO_LOG = (LogCorruptedError, AuditError)
log = structlog.get_logger("audit")


async def follow_log(
    dsn: str, open_key: Callable[[], CheckpointKey], stopping: asyncio.Event
) -> None:
    """Follow the log until *stopping* is set, then once more to its end; never raise.

    The key is opened again for each connection, and so after it was replaced.
    """
    is_last = False
    try:
        while not is_last:
            is_last = stopping.is_set()
            try:
                with suppress(TimeoutError):  # what is left is taken by another, or after a start
                    async with cancel_after(stopping, SHUTDOWN_TIMEOUT):
                        await follow_as_leader(dsn, open_key, stopping)
            except psycopg.errors.SerializationFailure:
                log.info("audit follower begins again: the key was replaced, or another one signs")
                await pause(stopping, POLL_INTERVAL)
                continue  # also if the service stops meanwhile: nothing stays unsigned
            except psycopg.OperationalError as error:
                log.warning("audit follower waits for the database", reason=type(error).__name__)
                await pause(stopping, POLL_INTERVAL)
            except (AuditKeyReplacedError, CheckpointKeyError) as error:
                log.error("the log is not signed here", reason=str(error))  # noqa: TRY400 — no trace
                await pause(stopping, MAX_POLL_DELAY)
            is_last = stopping.is_set()
    except Exception as error:  # of any kind: nothing is signed from here on
        log.critical(
            "AUDIT STOPPED: the log is not signed any more; run `integrations verify`",
            reason=str(error) if isinstance(error, SAFE_TO_LOG) else "",
            exc_info=error,
        )


async def follow_as_leader(
    dsn: str, open_key: Callable[[], CheckpointKey], stopping: asyncio.Event
) -> None:
    """Follow the log if no other process does, and to its end once *stopping* is set."""
    async with follower_session(dsn) as connection:
        while not (stopping.is_set() or await try_become_leader(connection)):
            await pause(stopping, POLL_INTERVAL)
        signer = await build_signer(connection, open_key())
        if not stopping.is_set():
            await catch_up(connection, signer)
            await sign_new_events(dsn, connection, signer, stopping)
        await connection.execute(WAIT_FOR_LOCK_SQL)
        await catch_up(connection, signer)


async def build_signer(connection: AsyncConnection, key: CheckpointKey) -> CheckpointSigner:
    """Return what signs with *key*, and verifies what its predecessors have signed.

    Raises:
        AuditKeyReplacedError: another key signs.
        NoteError: the stored changes of the key are not what was signed.
    """
    keys = AuditKeys.trusting(key.public_key, await read_key_changes(connection))
    signer = CheckpointSigner(key, keys)
    row = await (await connection.execute(VERIFIER_SQL)).fetchone()
    if row not in ((None,), (signer.verifier_key,)):
        raise AuditKeyReplacedError
    return signer


async def sign_new_events(
    dsn: str, connection: AsyncConnection, signer: CheckpointSigner, stopping: asyncio.Event
) -> None:
    """Sign what comes after our position until *stopping* is set; raise as `catch_up`."""
    thinning, after = CheckpointRetention(), await follower_position(connection)
    with open_subscription(dsn, after) as following:
        while not stopping.is_set():
            await thinning.run_if_due(connection)
            began = monotonic()
            await require_position(connection, after)
            events = [*map(unpack_notification, await asyncio.to_thread(following.poll))]
            if events:
                async with connection.transaction():
                    await sign(connection, after, events, signer)
                after = events[-1][0]
            if len(events) < BATCH_SIZE:
                await pause(stopping, poll_delay(monotonic() - began))


async def require_position(connection: AsyncConnection, position: int) -> None:
    """Raise SerializationFailure unless we are still the one that has signed up to *position*."""
    if await follower_position(connection) != position:
        raise psycopg.errors.SerializationFailure


async def try_become_leader(connection: AsyncConnection) -> bool:
    """Return whether this process is to follow the log: as long as the connection lasts."""
    row = await (await connection.execute(TRY_LOCK_SQL)).fetchone()
    return row == (True,)


def poll_delay(took: float) -> float:
    """Return how many seconds to rest after a poll that *took* so many.

    The more workspaces have changed the more trees are to be signed, some 0.2 ms each. Polling less
    often, more of their events share a signature.
    """
    return max(POLL_INTERVAL, min(MAX_POLL_DELAY, DELAY_FACTOR * took))


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait until it is time for the next poll, or *stopping* is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def catch_up(connection: AsyncConnection, signer: CheckpointSigner) -> None:
    """Take all that is in the log.

    Raises:
        LogCorruptedError: a position is missing, or the log has become shorter.
        TreeStateError, NoteError: what is stored is not what was signed.
    """
    while await process_batch(connection, signer) == BATCH:
        pass


async def process_batch(connection: AsyncConnection, signer: CheckpointSigner) -> int:
    """Take the next events, all or none of them; return how many; raise as `catch_up`."""
    async with connection.transaction():
        after = await follower_position(connection)
        cursor = await connection.execute(READ_EVENTS_SQL, (after, BATCH), binary=True)
        events = await cursor.fetchall()
        require_dense(after, events)
        if events:
            await sign(connection, after, events, signer)
        elif (head := await head_position(connection)) < after:
            message = f"The log is damaged: it ends at {head}, and {after} was read before."
            raise LogCorruptedError(message)
        return len(events)


def require_dense(after: int, events: Events) -> None:
    """Raise LogCorruptedError if *events* leave out a position after *after*."""
    amount = count_dense((position for position, *_ in events), after)
    if amount < len(events):
        raise gap_error(after + amount + 1)
