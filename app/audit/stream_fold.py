"""What follows from one stream, event by event: rows, entries, and which secrets are stored."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from app.audit.tree_verification import Finding
from app.event_store.codec import InvalidEventError, decode_recorded
from app.event_store.snapshots import StreamState, empty_stream
from domain.aggregates import aggregate_of
from domain.envelope import RecordedEvent
from domain.integration import Credential
from projections.history import action_of
from projections.registry import PROJECTIONS

SecretKey = tuple[str, int]
"""Field and version."""


class StoredEvent(NamedTuple):
    """A row of the log."""

    position: int
    workspace: str
    stream: str
    version: int
    type: str
    action: str
    actor_id: str
    at: datetime
    envelope: bytes


class ExpectedSecret(NamedTuple):
    """What the event at `position` says of a secret that is stored."""

    position: int
    commitment: str


class StreamFold:
    """One stream of one workspace up to an event; mutable."""

    def __init__(self, workspace: str, stream: str) -> None:
        self.workspace = workspace
        self.stream = stream
        self.position = 0
        self._empty = empty_stream(stream)
        self._version = 0
        self._state = self._empty.state
        self._rows: Mapping[str, Any] = self._empty.rows
        self._sealed_at: dict[SecretKey, int] = {}

    def event_problems(self, stored: StoredEvent, event: RecordedEvent | None) -> Iterator[Finding]:
        """Yield what is wrong with the next event, which its bytes say is *event*."""
        if event is None:
            yield Finding(stored.position, "the stored bytes are no event")
        elif wrong := [*differing_columns(stored, event)]:
            what = f"{', '.join(wrong)} in the columns are not those in its bytes"
            yield Finding(stored.position, what)
        if stored.version != self._version + 1:
            what = f"version {stored.version} of {self.stream} follows version {self._version}"
            yield Finding(stored.position, what)
        if stored.position <= self.position:
            yield Finding(stored.position, f"the event stands before older ones of {self.stream}")

    def apply(self, stored: StoredEvent, event: RecordedEvent | None) -> None:
        """Apply the next event; None is bytes that are no event."""
        self._version, self.position = stored.version, stored.position
        if event is None:
            return
        self._rows = {
            name: PROJECTIONS[name].evolve(row, event) for name, row in self._rows.items()
        }
        self._state = self._empty.aggregate.decider.evolve(self._state, event.event)
        for secret in self._credentials:
            self._sealed_at.setdefault((secret.field, secret.version), event.position)

    @property
    def state(self) -> StreamState:
        """The stream up to the event."""
        return replace(self._empty, version=self._version, state=self._state, rows=self._rows)

    @property
    def _credentials(self) -> Sequence[Credential]:
        """Those that the stream has; no other aggregate than the integration has any."""
        return getattr(self._state, "credentials", ())

    @property
    def secrets(self) -> dict[SecretKey, ExpectedSecret]:
        """What is said of each secret that the stream has."""
        return {
            (secret.field, secret.version): ExpectedSecret(
                self._sealed_at[secret.field, secret.version], secret.commitment
            )
            for secret in self._credentials
        }


def differing_columns(stored: StoredEvent, event: RecordedEvent) -> Iterator[str]:
    """Yield the columns of *stored* that do not repeat what *event*, its bytes, says."""
    expected = {
        "workspace": event.workspace,
        "stream": event.stream,
        "version": event.version,
        "type": type(event.event).__name__,
        "action": action_of(event.event),
        "actor_id": event.metadata.actor.sub,
        "at": event.at,
    }
    return (name for name, value in expected.items() if getattr(stored, name) != value)


def try_decode_event(stored: StoredEvent) -> RecordedEvent | None:
    """Return the event that the bytes hold, None if they hold none that such a stream can have."""
    try:
        event = decode_recorded(stored.position, stored.envelope)
    except InvalidEventError:
        return None
    return event if type(event.event) in aggregate_of(stored.stream).events else None
