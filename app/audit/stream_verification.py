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

from app.audit.stream_fold import SecretPlace, StoredEvent, StreamFold, event_in
from app.audit.tree_verification import Finding, first_of
from app.event_store.snapshots import SNAPSHOT_FORMAT, InvalidSnapshotError, decode_snapshot
from app.progress import ProgressCallback
from app.secrets.sealing import SealedSecret

BATCH = 1_000  # events
EVENTS = """
SELECT position, workspace_id, stream, version, type, action, actor_id, at, envelope
FROM integrations.events WHERE %(workspace)s::text IS NULL OR workspace_id = %(workspace)s
ORDER BY workspace_id, stream, version
"""
SECRETS = """
SELECT
    workspace_id AS workspace, stream, field, version, nonce, ciphertext,
    '' AS kek, ''::bytea AS wrapped_key
FROM integrations.secret_store
JOIN unnest(%s::text[], %s::text[]) AS wanted (workspace_id, stream) USING (workspace_id, stream)
"""
UNKNOWN_STREAM = """
SELECT stream FROM integrations.secret_store AS secret
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = secret.workspace_id AND event.stream = secret.stream
) LIMIT 1
"""
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
Commitments = dict[SecretPlace, str]


class SnapshotPlace(NamedTuple):
    """An event, by what its snapshot is found by."""

    workspace: str
    stream: str
    version: int


class StreamsCheck:
    """Compares over one *connection*, in whose snapshot nothing moves; mutable.

    `in_log` is what is wrong first with the log itself, `beside_it` with what follows from it;
    `events` counts.
    """

    def __init__(self, connection: AsyncConnection, workspace: str | None) -> None:
        self._connection = connection
        self._workspace = workspace
        self._fold: StreamFold | None = None
        self.in_log: Finding | None = None
        self.beside_it: Finding | None = None
        self.events = 0

    async def run(self, head: int, report: ProgressCallback) -> None:
        """Compare all streams."""
        async with self._connection.cursor(name="streams") as cursor:
            await cursor.execute(EVENTS, {"workspace": self._workspace}, binary=True)
            while rows := await cursor.fetchmany(BATCH):
                await self._take([StoredEvent(*row) for row in rows])
                self.events += len(rows)
                report("compare the streams", self.events, head)
        self._note(await wrong_secrets(self._connection, [self._fold] if self._fold else []))
        self._note(await unknown_secrets(self._connection, self._workspace))
        self._note(await strange_snapshots(self._connection, self._workspace))

    def _note(self, findings: Iterable[Finding | None]) -> None:
        self.beside_it = first_of([self.beside_it, *findings])

    async def _take(self, batch: Sequence[StoredEvent]) -> None:
        ended: list[StreamFold] = []
        snapshots = await snapshots_after(self._connection, batch)
        for stored in batch:
            fold = self._next(stored, ended)
            event = event_in(stored)
            for finding in fold.wrong_with(stored, event):
                self.in_log = first_of([self.in_log, finding])
            fold.take(stored, event)
            place = SnapshotPlace(stored.workspace, stored.stream, stored.version)
            self._note([wrong_snapshot(fold, snapshots.get(place))])
        self._note(await wrong_secrets(self._connection, ended))

    def _next(self, stored: StoredEvent, ended: list[StreamFold]) -> StreamFold:
        """Return the fold of the stream of *stored*; the last one goes to *ended* once it has."""
        fold, place = self._fold, (stored.workspace, stored.stream)
        if fold is None or (fold.workspace, fold.stream) != place:
            ended += [fold] if fold else []
            self._fold = fold = StreamFold(*place)
        return fold


# ----- Secrets -----
async def wrong_secrets(connection: AsyncConnection, folds: Sequence[StreamFold]) -> list[Finding]:
    """Return where the stored secrets of complete streams are not those that events tell of."""
    names = [fold.workspace for fold in folds], [fold.stream for fold in folds]
    cursor = connection.cursor(row_factory=class_row(SealedSecret))
    await cursor.execute(SECRETS, names, binary=True)
    stored: defaultdict[tuple[str, str], Commitments] = defaultdict(dict)
    for row in await cursor.fetchall():
        place = row.field, row.version
        stored[row.workspace, row.stream][place] = row.credential.commitment
    return [
        finding for fold in folds for finding in wrong_of(fold, stored[fold.workspace, fold.stream])
    ]


async def unknown_secrets(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return the first secret that belongs to no stream of the log."""
    cursor = await connection.execute(UNKNOWN_STREAM, {"workspace": workspace})
    return [
        Finding(None, f"secret_store: a row is there for {stream}, which has no events")
        for (stream,) in await cursor.fetchall()
    ]


def wrong_of(fold: StreamFold, stored: Mapping[SecretPlace, str]) -> Iterator[Finding]:
    """Yield what is wrong with the *stored* secrets of one stream."""
    for place, sealed in fold.secrets.items():
        if place not in stored:
            yield Finding(sealed.position, f"the secret {place[0]} is not stored")
        elif stored[place] != sealed.commitment:
            what = f"the stored secret {place[0]} is not the one that was sealed"
            yield Finding(sealed.position, what)
    for field, version in stored.keys() - fold.secrets:
        what = f"version {version} of the secret {field} is stored and should not be"
        yield Finding(fold.position, what)


# ----- Snapshots -----
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
