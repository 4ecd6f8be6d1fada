"""A stream folded: what its events came to, stored as a snapshot so that none is folded twice."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from domain.aggregates import AGGREGATES, INTEGRATION, Aggregate, aggregate_of
from domain.envelope import Envelope
from projections.registry import PROJECTIONS, no_rows


class StreamState(Struct, frozen=True, kw_only=True):
    """A stream after its event `version`: what decides about it, and each projection's row."""

    aggregate: Aggregate = INTEGRATION
    version: int = 0
    state: Any = INTEGRATION.decider.initial
    rows: Mapping[str, Any] = field(default_factory=lambda: no_rows(INTEGRATION))

    def apply(self, events: Sequence[Envelope]) -> "StreamState":
        """Return the stream after *events*, the next ones."""
        return replace(
            self,
            version=self.version + len(events),
            state=self.aggregate.decider.fold((one.event for one in events), self.state),
            rows={name: PROJECTIONS[name].fold(events, row) for name, row in self.rows.items()},
        )


EMPTY = {
    aggregate.name: StreamState(
        aggregate=aggregate, state=aggregate.decider.initial, rows=no_rows(aggregate)
    )
    for aggregate in AGGREGATES
}


def empty_stream(stream: str) -> StreamState:
    """Return *stream* before its first event."""
    return EMPTY[aggregate_of(stream).name]


# ----- As it is stored: JSON, the state under the name of its aggregate -----
def snapshot_format(aggregate: Aggregate) -> str:
    """Return what makes the snapshots of *aggregate*: one by other code is not looked at."""
    versions = {name: PROJECTIONS[name].version for name in no_rows(aggregate)}
    made_by = {aggregate.name: aggregate.decider.version, **versions}
    return ", ".join(f"{name} {version}" for name, version in made_by.items())


SNAPSHOT_FORMATS = {aggregate.name: snapshot_format(aggregate) for aggregate in AGGREGATES}


class InvalidSnapshotError(ValueError):
    """The stored bytes are no snapshot of the shape that they are said to have."""


decode_parts = msgspec.json.Decoder(dict[str, Raw]).decode
decode_version = msgspec.json.Decoder(int).decode
state_decoders = {
    aggregate.name: msgspec.json.Decoder[Any](aggregate.decider.initial.__class__)
    for aggregate in AGGREGATES
}
row_decoders = {name: msgspec.json.Decoder(p.row | None) for name, p in PROJECTIONS.items()}


def encode_snapshot(folded: StreamState) -> bytes:
    """Return *folded* as it is stored."""
    parts = {"version": folded.version, folded.aggregate.name: folded.state, "rows": folded.rows}
    return msgspec.json.encode(parts)


def decode_snapshot(snapshot: bytes) -> StreamState:
    """Return what *snapshot* holds.

    Raises:
        InvalidSnapshotError: these bytes are no snapshot.
    """
    try:
        parts = decode_parts(snapshot)
        name = (parts.keys() & EMPTY.keys()).pop()
        rows = decode_parts(parts["rows"])
        return replace(
            EMPTY[name],
            version=decode_version(parts["version"]),
            state=state_decoders[name].decode(parts[name]),
            rows={each: row_decoders[each].decode(rows[each]) for each in EMPTY[name].rows},
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        raise InvalidSnapshotError(
            InvalidSnapshotError.__doc__
        ) from None  # the reason would repeat values
