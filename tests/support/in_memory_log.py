"""The event log in memory, over the library's in-memory recorder: the shared suite's second log."""

from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder
from msgspec import Struct

from app.event_store.batch import ended_fields
from app.event_store.codec import encoder
from app.event_store.protocol import (
    Changeset,
    ConcurrencyError,
    DuplicateRequestError,
    StoredResponse,
)
from app.event_store.recorder import from_notification
from app.event_store.snapshots import StreamState, empty_stream
from app.secrets.sealing import SealedSecret
from domain.envelope import Envelope, RecordedEvent


class InMemoryEventLog:
    """An event log, its view rows and its sealed secrets, in this process only."""

    def __init__(self) -> None:
        self.recorder = POPOApplicationRecorder()
        self.rows: dict[tuple[str, str, str], Struct] = {}
        self.responses: dict[tuple[str, str], StoredResponse] = {}
        self.secrets: dict[tuple[str, str], list[SealedSecret]] = {}

    async def read(self, workspace: str, stream: str) -> list[RecordedEvent]:
        """Return all events of *stream*, oldest first."""
        everything = map(
            from_notification, self.recorder.select_notifications(None, limit=1_000_000)
        )
        return [
            event for event in everything if (event.workspace, event.stream) == (workspace, stream)
        ]

    async def load(self, workspace: str, stream: str) -> StreamState:
        """Return *stream* folded up to its last event."""
        return empty_stream(stream).apply(await self.read(workspace, stream))

    async def append(self, write: Changeset) -> list[int]:
        """Record *write* and return the positions of its events."""
        if write.response and (write.workspace, write.response.key) in self.responses:
            raise DuplicateRequestError
        try:
            positions = self.recorder.insert_events([to_stored_event(e) for e in write.envelopes])
        except IntegrityError:
            raise ConcurrencyError from None
        if write.response:
            self.responses[write.workspace, write.response.key] = write.response
        for projection, row in write.rows.items():
            self._put(projection, write.workspace, write.stream, row)
        self._keep_secrets(write)
        return list(positions or ())

    async def stored_response(self, workspace: str, key: str) -> StoredResponse | None:
        """Return the response to the first request with the idempotency key."""
        return self.responses.get((workspace, key))

    async def confirm(self) -> None:
        """Return at once: nothing here outlives the process."""

    def _keep_secrets(self, write: Changeset) -> None:
        key = (write.workspace, write.stream)
        replaced = set(ended_fields(write))
        old = [] if write.deletes_secrets else self.secrets.get(key, [])
        self.secrets[key] = [*(s for s in old if s.field not in replaced), *write.sealed]

    def _put(self, projection: str, workspace: str, stream: str, row: Struct | None) -> None:
        if row is None:
            self.rows.pop((projection, workspace, stream), None)
        else:
            self.rows[projection, workspace, stream] = row


def to_stored_event(envelope: Envelope) -> StoredEvent:
    """Return *envelope* as the library's recorders store it."""
    return StoredEvent(
        originator_id=f"{envelope.workspace}/{envelope.stream}",
        originator_version=envelope.version,
        topic=type(envelope.event).__name__,
        state=encoder.encode(envelope),
    )
