"""Events and integrations as JSON Lines, for programs."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from app.log.follow import Batch
from app.replay.selection import Selection
from domain.recorded import Actor
from projections.integration_view import IntegrationRow


class ToldOrigin(Struct):
    """Of where an event came from, what is shown."""

    actor: Actor


class Told(Struct):
    """A stored envelope as it stands there: the event is passed on byte for byte.

    `at` is UTC, ends in Z, and has six decimals or none.
    """

    workspace: str
    stream: str
    version: int
    at: str
    origin: ToldOrigin
    event: Raw


class Line(Struct, rename="camel"):
    """One event as a line; its fields are promised (contract, 12)."""

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
    created_at: str
    updated_at: str


KIND = b'{"kind":"'
WHOLE_SECONDS = len("2026-11-05T09:00:00Z")
decoder = msgspec.json.Decoder(Told)
encoder = msgspec.json.Encoder()


def lines_of(batch: Batch, selection: Selection) -> Iterator[Line]:
    """Yield a line for each event of *batch* that is wanted."""
    for position, envelope in batch:
        told = decoder.decode(envelope)
        if not selection.has_times or selection.includes(datetime.fromisoformat(told.at)):
            yield line_of(position, told)


def line_of(position: int, told: Told) -> Line:
    """Return the line of one event."""
    kind, data = parted(bytes(told.event))
    at = f"{told.at[:19]}{told.at[19:23] if len(told.at) > WHOLE_SECONDS else '.000'}Z"
    return Line(
        position, told.workspace, told.stream, told.version, kind, at, told.origin.actor, data
    )


def parted(event: bytes) -> tuple[str, Raw]:
    """Return the kind of a stored event, which is always its first field, and the others."""
    end = event.index(b'"', len(KIND))
    return event[len(KIND) : end].decode(), Raw(b"{" + event[end + 1 :].removeprefix(b","))


def integration_line(row: IntegrationRow) -> IntegrationLine:
    """Return the line of one integration."""
    shown: dict[str, Any] = asdict(row)
    shown |= {"created_at": text_of(row.created_at), "updated_at": text_of(row.updated_at)}
    return IntegrationLine(**{name: shown[name] for name in IntegrationLine.__struct_fields__})


def text_of(at: datetime) -> str:
    """Return *at*, UTC, with three decimals, as in every answer."""
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"
