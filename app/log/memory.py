"""The event log in memory, over the library's in-memory recorder: the shared suite's second log."""

from eventsourcing.persistence import IntegrityError
from eventsourcing.popo import POPOApplicationRecorder
from msgspec import Struct

from app.log.event_log import VersionTakenError, Write
from app.log.mapper import recorded_from_notification, stored_from
from app.secrets.sealing import SealedSecret
from domain.recorded import Recorded


class MemoryLog:
    """An event log, its view rows and its sealed secrets, in this process only."""

    def __init__(self) -> None:
        self.recorder = POPOApplicationRecorder()
        self.rows: dict[tuple[str, str, str], Struct] = {}
        self.secrets: dict[tuple[str, str], list[SealedSecret]] = {}

    async def read(self, workspace: str, stream: str) -> list[Recorded]:
        """Return all events of *stream*, oldest first."""
        everything = map(
            recorded_from_notification, self.recorder.select_notifications(None, limit=1_000_000)
        )
        return [
            event for event in everything if (event.workspace, event.stream) == (workspace, stream)
        ]

    async def append(self, write: Write) -> list[int]:
        """Record *write* and return the positions of its events."""
        try:
            positions = self.recorder.insert_events([stored_from(e) for e in write.envelopes])
        except IntegrityError:
            raise VersionTakenError from None
        key = (write.envelopes[0].workspace, write.envelopes[0].stream)
        for projection, row in write.rows.items():
            self._put(projection, *key, row)
        kept = [] if write.shred else self.secrets.get(key, [])
        self.secrets[key] = [*kept, *write.sealed]
        return list(positions or ())

    def _put(self, projection: str, workspace: str, stream: str, row: Struct | None) -> None:
        if row is None:
            self.rows.pop((projection, workspace, stream), None)
        else:
            self.rows[projection, workspace, stream] = row
