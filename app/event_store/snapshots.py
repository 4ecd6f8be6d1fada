"""A stream folded: what its events came to, stored as a snapshot so that none is folded twice."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from domain.envelope import Envelope
from domain.integration import Integration, decider
from projections.registry import PROJECTIONS

SNAPSHOT_FORMAT = ", ".join(
    f"{name} {version}"
    for name, version in [
        ("integration", decider.version),
        *((name, projection.version) for name, projection in PROJECTIONS.items()),
    ]
)
"""What made a snapshot: one by other code than ours is not looked at."""


class StreamState(Struct, frozen=True, kw_only=True):
    """A stream after its event `version`: what decides about it, and each projection's row."""

    version: int = 0
    integration: Integration = decider.initial
    rows: Mapping[str, Any] = field(default_factory=lambda: dict.fromkeys(PROJECTIONS))

    def apply(self, events: Sequence[Envelope]) -> "StreamState":
        """Return the stream after *events*, the next ones."""
        return StreamState(
            version=self.version + len(events),
            integration=decider.fold((one.event for one in events), self.integration),
            rows={name: p.fold(events, self.rows[name]) for name, p in PROJECTIONS.items()},
        )


class Snapshot(Struct, frozen=True):
    """A stream folded, as it is stored: JSON; a row is read as its projection's."""

    version: int
    integration: Integration
    rows: Mapping[str, Raw]


class InvalidSnapshotError(ValueError):
    """The stored bytes are no snapshot of the shape that they are said to have."""


decoder = msgspec.json.Decoder(Snapshot)
row_decoders = {name: msgspec.json.Decoder(p.row | None) for name, p in PROJECTIONS.items()}


def encode_snapshot(folded: StreamState) -> bytes:
    """Return *folded* as it is stored."""
    return msgspec.json.encode(folded)


def decode_snapshot(snapshot: bytes) -> StreamState:
    """Return what *snapshot* holds.

    Raises:
        InvalidSnapshotError: these bytes are no snapshot.
    """
    try:
        stored = decoder.decode(snapshot)
        rows = {name: row_from.decode(stored.rows[name]) for name, row_from in row_decoders.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        raise InvalidSnapshotError(
            InvalidSnapshotError.__doc__
        ) from None  # the reason would repeat values
    return StreamState(version=stored.version, integration=stored.integration, rows=rows)
