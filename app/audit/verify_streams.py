"""Second half of `verify`: what follows from the log, stream by stream.

Each event's bytes against its columns and its version, snapshots, and the sealed secrets; holds a
batch of events and what follows from them. The views are compared by app/views/rebuild.
"""

from collections.abc import Iterable, Sequence

from psycopg import AsyncConnection

from app.audit.finding import Finding, first_of
from app.audit.secret_check import unknown_secrets, wrong_secrets
from app.audit.snapshot_check import (
    SnapshotPlace,
    snapshots_after,
    strange_snapshots,
    wrong_snapshot,
)
from app.audit.stream_fold import StoredEvent, StreamFold, event_in
from app.audit.verify_trees import Tell

BATCH = 1_000  # events
EVENTS = """
SELECT position, workspace_id, stream, version, type, action, actor_id, at, envelope
FROM integrations.events WHERE %(workspace)s::text IS NULL OR workspace_id = %(workspace)s
ORDER BY workspace_id, stream, version
"""


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

    async def run(self, head: int, tell: Tell) -> None:
        """Compare all streams."""
        async with self._connection.cursor(name="streams") as cursor:
            await cursor.execute(EVENTS, {"workspace": self._workspace}, binary=True)
            while rows := await cursor.fetchmany(BATCH):
                await self._take([StoredEvent(*row) for row in rows])
                self.events += len(rows)
                tell("compare the streams", self.events, head)
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
