"""Compares snapshots of streams with what their events come to: commands go on from them."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import AsyncConnection

from app.audit.finding import Finding
from app.audit.stream_fold import StoredEvent, StreamFold
from app.event_store.snapshots import SNAPSHOT_FORMAT, InvalidSnapshotError, decode_snapshot

AFTER_EVENTS = """
SELECT workspace_id, stream, version, state FROM integrations.snapshots
JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS event (workspace_id, stream, version)
    USING (workspace_id, stream, version)
WHERE shape = %s
"""
NO_EVENT = """
SELECT stream, version FROM integrations.snapshots AS kept
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = kept.workspace_id AND event.stream = kept.stream
        AND event.version = kept.version
) LIMIT 1
"""


class SnapshotPlace(NamedTuple):
    """An event, by what its snapshot is found by."""

    workspace: str
    stream: str
    version: int


async def snapshots_after(
    connection: AsyncConnection, events: Sequence[StoredEvent]
) -> dict[SnapshotPlace, bytes]:
    """Return what is kept after each of *events*."""
    places = [SnapshotPlace(event.workspace, event.stream, event.version) for event in events]
    columns = [*map(list, zip(*places, strict=True))]
    cursor = await connection.execute(AFTER_EVENTS, (*columns, SNAPSHOT_FORMAT), binary=True)
    return {SnapshotPlace(*place): state for *place, state in await cursor.fetchall()}


def wrong_snapshot(fold: StreamFold, snapshot: bytes | None) -> Finding | None:
    """Return what is wrong with *snapshot* of the stream as it is in *fold*; None is fine."""
    try:
        if snapshot is None or decode_snapshot(snapshot) == fold.folded:
            return None
    except InvalidSnapshotError:
        pass
    return Finding(fold.position, "snapshots: the one after this event is not what events came to")


async def strange_snapshots(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return which snapshot belongs to no event, one of them."""
    rows = await (await connection.execute(NO_EVENT, {"workspace": workspace})).fetchall()
    return [
        Finding(None, f"snapshots: {stream} has no event with version {version}")
        for stream, version in rows
    ]
