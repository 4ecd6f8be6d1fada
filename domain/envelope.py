"""An event with its place in the log: where, when, and who."""

from datetime import datetime

from msgspec import Struct

from domain.integration import IntegrationEvent


class Actor(Struct, frozen=True, kw_only=True):
    """Who asked: the token's `sub`, and `name` and `email` where it bears them."""

    sub: str
    name: str | None = None
    email: str | None = None


class EventMetadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a command came from; stored with every event it leads to."""

    actor: Actor
    client_address: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None


class Envelope(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event with all that is known before it has a position; its encoding is what is stored.

    `stream` is the integration's id; `version` counts its events from 1; `at` is UTC.
    """

    workspace: str
    stream: str
    version: int
    at: datetime
    origin: EventMetadata
    event: IntegrationEvent


class RecordedEvent(Envelope, frozen=True, kw_only=True, rename="camel"):
    """A stored event; `position` counts all events of the log from 1, without holes."""

    position: int
