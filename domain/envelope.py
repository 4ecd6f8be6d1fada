"""An event with its place in the log: where, when, who, and what it changed from."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from domain.aggregates import DomainEvent
from domain.integration import Settings

PreviousValues = Mapping[str, str | bool | Settings | None]
"""Public fields that an event changes, by their names in the HTTP API, as they were before it."""


class Actor(Struct, frozen=True, kw_only=True):
    """Who made the request: the token's `sub`, and its `name` and `email` if it has them."""

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

    `stream` is the id of what changes, an integration or the default of a channel; `version` counts
    its events from 1; `at` is UTC. `name` is its name after the event, or its last one once it is
    deleted. `before` is None for the event that creates it. So an audit entry needs nothing but
    this.
    """

    workspace: str
    stream: str
    version: int
    at: datetime
    metadata: EventMetadata = field(name="origin")
    name: str
    before: PreviousValues | None
    event: DomainEvent


class RecordedEvent(Envelope, frozen=True, kw_only=True, rename="camel"):
    """A stored event; `position` counts all events of the log from 1, without gaps."""

    position: int
