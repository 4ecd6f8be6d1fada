"""Every aggregate, found by what the ids of its streams begin with."""

from typing import Any, Literal, get_args

from msgspec import Struct

from domain import channel_default, integration
from domain.channel_default import ChannelDefaultEvent
from domain.decider import Decider
from domain.errors import DefaultMismatchError, VersionMismatchError
from domain.integration import IntegrationEvent
from domain.message import Event

AggregateName = Literal["integration", "channelDefault"]
"""The resource types of the history; snapshots are stored under them, too."""
DomainEvent = IntegrationEvent | ChannelDefaultEvent


class Aggregate(Struct, frozen=True):
    """A kind of stream: the `prefix` of its ids, what it does, and the events it consists of.

    `mismatch` is the refusal if it has another version than a command expects.
    """

    name: AggregateName
    prefix: str
    decider: Decider[Any, Any, Any]
    events: frozenset[type[Event]]
    mismatch: type[VersionMismatchError] = VersionMismatchError


INTEGRATION = Aggregate(
    "integration", "int", integration.decider, frozenset(get_args(IntegrationEvent))
)
CHANNEL_DEFAULT = Aggregate(
    "channelDefault",
    channel_default.PREFIX,
    channel_default.decider,
    frozenset(get_args(ChannelDefaultEvent)),
    DefaultMismatchError,
)
AGGREGATES = (INTEGRATION, CHANNEL_DEFAULT)
BY_PREFIX = {aggregate.prefix: aggregate for aggregate in AGGREGATES}


def aggregate_of(stream: str) -> Aggregate:
    """Return the aggregate of *stream*; one with an unknown prefix is read as an integration.

    Nothing writes such a stream, and who reads a forged one must not fail here.
    """
    return BY_PREFIX.get(stream.partition("_")[0], INTEGRATION)
