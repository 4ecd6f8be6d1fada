"""The two kinds of message: commands and events."""

from msgspec import Struct


class Command(Struct, frozen=True, kw_only=True):
    """A request for a change; it may be refused.

    Time, ids and sealed bytes arrive in the command, so that `decide` stays pure.
    """


class Event(Struct, frozen=True, kw_only=True, rename="camel", tag=True, tag_field="kind"):
    """What happened; it cannot be refused, and it is for ever.

    An event is stored under its class name (the tag `kind`), never under a module path.
    New fields have defaults; a new meaning is a new event. Ids, versions, times and people
    belong to `domain.envelope.RecordedEvent`.
    """
