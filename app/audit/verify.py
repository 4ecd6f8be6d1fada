"""Proves the log: `integrations verify` (docs/audit.md). Changes nothing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec
import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, IsolationLevel
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.types.json import set_json_loads

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import WHOLE_LOG, parse_checkpoint, unverified_workspace
from app.audit.errors import AuditError, CheckpointError
from app.audit.key_changes import read_key_changes
from app.audit.log_sections import StoredCheckpoint, VerifyScope, read_extent
from app.audit.signed_note import parse_note
from app.audit.stream_verification import StreamsVerification
from app.audit.tree_store import stored_notes
from app.audit.tree_verification import Finding, TreesVerification, first_finding
from app.database.connection import acting_as
from app.progress import ProgressCallback
from app.tokens.principal import WORKSPACE
from app.views.rebuild.comparison import Difference, compare_with_log
from projections.registry import PROJECTIONS

ROLE = "integrations_audit"
LAST_POSITION_SQL = """
SELECT max(position) FROM integrations.events WHERE workspace_id = %s AND stream = %s
"""


class VerifyError(AuditError):
    """The log cannot be verified."""


class UnknownWorkspaceError(VerifyError):
    """The log never had an event of this workspace."""

    def __init__(self, workspace: str) -> None:
        super().__init__(f"The log has no workspace {workspace!r}: nothing was verified.")


class VerificationResult(Struct, frozen=True):
    """What was compared, and what is wrong first, None if everything agrees.

    `unsigned` of the `events` are in no checkpoint yet. The views are not compared on a standby.
    After the positions `lost_after` a key signs that the one before it, which was lost, did not
    vouch for.
    """

    events: int
    checkpoints: int
    unsigned: int
    first: Finding | None
    views_compared: bool = True
    lost_after: Sequence[int] = ()


async def verify(
    dsn: str, keys: AuditKeys, scope: VerifyScope, report: ProgressCallback
) -> VerificationResult:
    """Compare the log of *dsn* with its trees and checkpoints, its views and stored secrets.

    Raises:
        UnknownWorkspaceError: nothing in the database is of the workspace.
        VerifyError: the database cannot be read.
    """
    try:
        async with read_only_session(dsn) as connection:
            extent = await read_extent(connection)
            trees = TreesVerification(connection, keys, scope)
            streams = StreamsVerification(connection, scope.workspace)
            in_trees = await trees.run(extent, report)
            await streams.run(extent.head, report)
            # If the log was edited, all that follows from it differs, too, elsewhere.
            first = first_finding([in_trees, streams.in_log])
            in_views: list[Finding] | None = []
            if first is None:
                in_views = await find_wrong_rows(dsn, connection, scope.workspace, report)
                first = first_finding([streams.derived, *(in_views or [])])
            if first is None and scope.workspace and not (streams.events or trees.checkpoints):
                raise UnknownWorkspaceError(scope.workspace)
            unsigned = max(0, extent.head - extent.signed)
            return VerificationResult(
                streams.events,
                trees.checkpoints,
                unsigned,
                first,
                in_views is not None,
                keys.lost_after,
            )
    except psycopg.OperationalError as error:
        message = f"The database cannot be read ({type(error).__name__})."
        raise VerifyError(message) from None


async def read_audit_keys(dsn: str, trusted: bytes) -> AuditKeys:
    """Return the keys of the log that the *trusted* public key vouches for.

    Raises:
        NoteError: a stored change of the key is not what was signed.
        VerifyError: the database cannot be read.
    """
    try:
        async with read_only_session(dsn) as connection:
            return AuditKeys.trusting(trusted, await read_key_changes(connection))
    except psycopg.OperationalError as error:
        message = f"The database cannot be read ({type(error).__name__})."
        raise VerifyError(message) from None


async def find_wrong_rows(
    dsn: str, connection: AsyncConnection, workspace: str | None, report: ProgressCallback
) -> list[Finding] | None:
    """Return the first rows of each view that are not as the log says.

    None on a standby, which takes no temporary tables.
    """
    views = PROJECTIONS.values()
    try:
        compared = await asyncio.to_thread(compare_with_log, dsn, views, report, workspace)
    except ReadOnlySqlTransaction:
        return None
    return [
        await row_finding(connection, each) for table in compared.tables for each in table.first
    ]


async def row_finding(connection: AsyncConnection, difference: Difference) -> Finding:
    """Return *difference* with the position of the last event of its stream."""
    if (view := PROJECTIONS.get(difference.table)) is None:
        return Finding(None, str(difference))
    cursor = await connection.execute(LAST_POSITION_SQL, difference.key)
    [(position,)] = await cursor.fetchall()
    columns = [column for column in view.row.__struct_fields__ if column in difference.columns]
    what = f"the row after this event has other {', '.join(columns)}"
    if difference.is_missing:
        what = "a row is missing"
    elif difference.is_extra and position is not None:
        what = "a row is there that should be gone"
    elif difference.is_extra:
        what = f"a row is there for {difference.key[1]}, which has no events"
    return Finding(position, f"{view.name}: {what}")


@asynccontextmanager
async def read_only_session(dsn: str) -> AsyncGenerator[AsyncConnection]:
    """Yield a connection that reads the database in one snapshot."""
    conninfo = acting_as(dsn, ROLE, timezone="UTC")
    async with await AsyncConnection.connect(conninfo) as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        set_json_loads(msgspec.json.decode, connection)
        yield connection


async def latest_note(dsn: str, name: str) -> str:
    """Return the newest checkpoint of the workspace *name*, or of the WHOLE_LOG, as it is stored.

    Raises:
        VerifyError: there is none.
    """
    async with read_only_session(dsn) as connection:
        notes = await stored_notes(connection, [name])
    if not notes:
        message = "There is no checkpoint yet; the service signs one soon after the first event."
        raise VerifyError(message)
    return notes[name]


def external_checkpoint(note: bytes, keys: AuditKeys) -> StoredCheckpoint:
    """Return the checkpoint that a client has stored as *note*, which one of *keys* has signed.

    Raises:
        NoteError: none of them has, or as for `unverified_checkpoint`.
    """
    kept = unverified_checkpoint(note)
    keys.verify(kept.name, note)
    return kept


def unverified_checkpoint(note: bytes) -> StoredCheckpoint:
    """Return the checkpoint that a client has stored as *note*; nothing is verified yet.

    Raises:
        NoteError: it is none.
        CheckpointError: it is of a log without events, with which every log agrees.
    """
    name = unverified_workspace(note)
    checkpoint = parse_checkpoint(parse_note(note)[0])
    if checkpoint.position is None:
        message = "The checkpoint says nothing: it is of a log without events."
        raise CheckpointError(message)
    return StoredCheckpoint(name, checkpoint.head.size, checkpoint.position, note)


def verify_scope(workspace: str | None, external: StoredCheckpoint | None) -> VerifyScope:
    """Return what is to be verified.

    Raises:
        UnknownWorkspaceError: no workspace can have this name.
        VerifyError: the checkpoint is not of that workspace.
    """
    if workspace is not None and not WORKSPACE.fullmatch(workspace):
        raise UnknownWorkspaceError(workspace)
    if external and workspace and external.name != workspace:
        other = "the whole log" if external.name == WHOLE_LOG else external.name
        message = f"The checkpoint is of {other}: leave out --workspace, or name that one."
        raise VerifyError(message)
    return VerifyScope(workspace, external)
