"""Second half of `verify`: what follows from the log, stream by stream.

Each event's bytes against its columns and its version; snapshots, from which commands continue,
against what the events come to; sealed secrets against the commitments in events, which shows
whether rows were changed or swapped (a new key encryption key touches neither nonce nor ciphertext,
so it makes no difference). In memory are a batch of events and what follows from them. The views
are compared by app/views/rebuild.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from app.audit.stream_fold import SecretKey, StoredEvent, StreamFold, try_decode_event
from app.audit.tree_verification import Finding, first_finding
from app.event_store.snapshots import SNAPSHOT_FORMATS, InvalidSnapshotError, decode_snapshot
from app.progress import ProgressCallback
from app.secrets.sealing import SealedSecret

BATCH_SIZE = 1_000  # events
READ_EVENTS_SQL = """
SELECT position, workspace_id, stream, version, type, action, actor_id, at, envelope
FROM integrations.events WHERE %(workspace)s::text IS NULL OR workspace_id = %(workspace)s
ORDER BY workspace_id, stream, version
"""
READ_SECRETS_SQL = """
SELECT
    workspace_id AS workspace, stream, field, version, nonce, ciphertext,
    '' AS kek, ''::bytea AS wrapped_key
FROM integrations.secret_store
JOIN unnest(%s::text[], %s::text[]) AS wanted (workspace_id, stream) USING (workspace_id, stream)
"""
ORPHANED_STREAM_SQL = """
SELECT stream FROM integrations.secret_store AS secret
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = secret.workspace_id AND event.stream = secret.stream
) LIMIT 1
"""
READ_SNAPSHOTS_SQL = """
SELECT workspace_id, stream, version, state FROM integrations.snapshots
JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS event (workspace_id, stream, version)
    USING (workspace_id, stream, version)
WHERE shape = ANY(%s)
"""
ORPHAN_SNAPSHOT_SQL = """
SELECT stream, version FROM integrations.snapshots AS snapshot
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = snapshot.workspace_id AND event.stream = snapshot.stream
        AND event.version = snapshot.version
) LIMIT 1
"""
Commitments = dict[SecretKey, str]


class SnapshotKey(NamedTuple):
    """An event, by what its snapshot is found by."""

    workspace: str
    stream: str
    version: int


class StreamsVerification:
    """Compares over one *connection*, in whose snapshot nothing moves; mutable.

    `in_log` is what is wrong first with the log itself, `derived` with what follows from it;
    `events` counts.
    """

    def __init__(self, connection: AsyncConnection, workspace: str | None) -> None:
        self._connection = connection
        self._workspace = workspace
        self._fold: StreamFold | None = None
        self.in_log: Finding | None = None
        self.derived: Finding | None = None
        self.events = 0

    async def run(self, head: int, report: ProgressCallback) -> None:
        """Compare all streams."""
        async with self._connection.cursor(name="streams") as cursor:
            await cursor.execute(READ_EVENTS_SQL, {"workspace": self._workspace}, binary=True)
            while rows := await cursor.fetchmany(BATCH_SIZE):
                await self._take([StoredEvent(*row) for row in rows])
                self.events += len(rows)
                report("compare the streams", self.events, head)
        self._note(await find_wrong_secrets(self._connection, [self._fold] if self._fold else []))
        self._note(await find_orphan_secrets(self._connection, self._workspace))
        self._note(await find_orphan_snapshots(self._connection, self._workspace))

    def _note(self, findings: Iterable[Finding | None]) -> None:
        self.derived = first_finding([self.derived, *findings])

    async def _take(self, batch: Sequence[StoredEvent]) -> None:
        ended: list[StreamFold] = []
        snapshots = await read_snapshots(self._connection, batch)
        for stored in batch:
            fold = self._next(stored, ended)
            event = try_decode_event(stored)
            for finding in fold.event_problems(stored, event):
                self.in_log = first_finding([self.in_log, finding])
            fold.apply(stored, event)
            key = SnapshotKey(stored.workspace, stored.stream, stored.version)
            self._note([snapshot_finding(fold, snapshots.get(key))])
        self._note(await find_wrong_secrets(self._connection, ended))

    def _next(self, stored: StoredEvent, ended: list[StreamFold]) -> StreamFold:
        """Return the fold of the stream of *stored*; the last one goes to *ended* once it has."""
        fold, key = self._fold, (stored.workspace, stored.stream)
        if fold is None or (fold.workspace, fold.stream) != key:
            ended += [fold] if fold else []
            self._fold = fold = StreamFold(*key)
        return fold


# ----- Secrets -----
async def find_wrong_secrets(
    connection: AsyncConnection, folds: Sequence[StreamFold]
) -> list[Finding]:
    """Return which stored secrets of complete streams are not those that the events name."""
    names = [fold.workspace for fold in folds], [fold.stream for fold in folds]
    cursor = connection.cursor(row_factory=class_row(SealedSecret))
    await cursor.execute(READ_SECRETS_SQL, names, binary=True)
    stored: defaultdict[tuple[str, str], Commitments] = defaultdict(dict)
    for row in await cursor.fetchall():
        key = row.field, row.version
        stored[row.workspace, row.stream][key] = row.credential.commitment
    return [
        finding
        for fold in folds
        for finding in stream_secret_findings(fold, stored[fold.workspace, fold.stream])
    ]


async def find_orphan_secrets(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return the first secret that belongs to no stream of the log."""
    cursor = await connection.execute(ORPHANED_STREAM_SQL, {"workspace": workspace})
    return [
        Finding(None, f"secret_store: a row is there for {stream}, which has no events")
        for (stream,) in await cursor.fetchall()
    ]


def stream_secret_findings(fold: StreamFold, stored: Mapping[SecretKey, str]) -> Iterator[Finding]:
    """Yield what is wrong with the *stored* secrets of one stream."""
    for key, sealed in fold.secrets.items():
        if key not in stored:
            yield Finding(sealed.position, f"the secret {key[0]} is not stored")
        elif stored[key] != sealed.commitment:
            what = f"the stored secret {key[0]} is not the one that was sealed"
            yield Finding(sealed.position, what)
    for field, version in stored.keys() - fold.secrets:
        what = f"version {version} of the secret {field} is stored and should not be"
        yield Finding(fold.position, what)


# ----- Snapshots -----
async def read_snapshots(
    connection: AsyncConnection, events: Sequence[StoredEvent]
) -> dict[SnapshotKey, bytes]:
    """Return the snapshot after each of *events*."""
    keys = [SnapshotKey(event.workspace, event.stream, event.version) for event in events]
    columns = [*map(list, zip(*keys, strict=True))]
    parameters = (*columns, [*SNAPSHOT_FORMATS.values()])
    cursor = await connection.execute(READ_SNAPSHOTS_SQL, parameters, binary=True)
    return {SnapshotKey(*key): state for *key, state in await cursor.fetchall()}


def snapshot_finding(fold: StreamFold, snapshot: bytes | None) -> Finding | None:
    """Return what is wrong with *snapshot* of the stream as it is in *fold*; None is fine."""
    try:
        if snapshot is None or decode_snapshot(snapshot) == fold.state:
            return None
    except InvalidSnapshotError:
        pass
    return Finding(fold.position, "snapshots: the one after this event is not what events came to")


async def find_orphan_snapshots(
    connection: AsyncConnection, workspace: str | None
) -> list[Finding]:
    """Return which snapshot belongs to no event, one of them."""
    rows = await (
        await connection.execute(ORPHAN_SNAPSHOT_SQL, {"workspace": workspace})
    ).fetchall()
    return [
        Finding(None, f"snapshots: {stream} has no event with version {version}")
        for stream, version in rows
    ]
