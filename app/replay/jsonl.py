"""Events and integrations as JSON Lines, for programs."""

from collections.abc import Iterator
from datetime import datetime
from itertools import starmap
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from app.event_store.reader import Chunk
from app.replay.filters import ReplayFilter
from domain.envelope import Actor
from domain.integration import Settings
from projections.integration_view import IntegrationRow


class StoredOrigin(Struct):
    """Of where an event came from, what is shown."""

    actor: Actor


class StoredEnvelope(Struct):
    """A stored envelope as it stands there: the event is passed on byte for byte.

    `at` is UTC, ends in Z, and has six decimals or none.
    """

    workspace: str
    stream: str
    version: int
    at: str
    origin: StoredOrigin
    event: Raw


class EventLine(Struct, rename="camel"):
    """One event as a line; programs rely on its fields."""

    position: int
    workspace_id: str
    integration_id: str
    version: int
    type: str
    at: str
    actor: Actor
    data: Raw


class IntegrationLine(Struct, rename="camel"):
    """One integration as a line: where it is, its version, and all that everybody may see."""

    workspace_id: str
    id: str
    version: int
    name: str
    type: str
    channel: str
    is_active: bool
    sender_email: str | None
    sender_name: str | None
    sender_phone: str | None
    vapid_public_key: str | None
    settings: Settings | None
    created_at: str
    updated_at: str


KIND_PREFIX_LENGTH = len('{"kind":"')
WHOLE_SECONDS_LENGTH = len("2026-11-05T09:00:00Z")
decoder = msgspec.json.Decoder(list[StoredEnvelope])
encoder = msgspec.json.Encoder()


def event_lines(chunk: Chunk, selection: ReplayFilter) -> Iterator[EventLine]:
    """Yield a line for each event of *chunk* that is wanted."""
    events = zip(chunk.positions, decoder.decode(chunk.envelopes), strict=True)
    if selection.has_times:
        events = (each for each in events if selection.includes(datetime.fromisoformat(each[1].at)))
    return starmap(event_line, events)


def event_line(position: int, stored: StoredEnvelope) -> EventLine:
    """Return the line of one event; the kind is always the first field of what is stored of it."""
    event, at = bytes(stored.event), stored.at
    end = event.index(b'"', KIND_PREFIX_LENGTH)
    at = f"{at[:23]}Z" if len(at) > WHOLE_SECONDS_LENGTH else f"{at[:19]}.000Z"
    kind, data = (
        event[KIND_PREFIX_LENGTH:end].decode(),
        Raw(b"{" + event[end + 1 :].removeprefix(b",")),
    )
    return EventLine(
        position,
        stored.workspace,
        stored.stream,
        stored.version,
        kind,
        at,
        stored.origin.actor,
        data,
    )


def integration_line(row: IntegrationRow) -> IntegrationLine:
    """Return the line of one integration."""
    shown: dict[str, Any] = asdict(row)
    shown |= {"created_at": format_time(row.created_at), "updated_at": format_time(row.updated_at)}
    return IntegrationLine(**{name: shown[name] for name in IntegrationLine.__struct_fields__})


def format_time(at: datetime) -> str:
    """Return *at*, UTC, with three decimals, as in every response."""
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"
