"""The aggregate Channel Default: which integration a workspace sends with on a channel."""

from typing import assert_never, cast

from msgspec import Struct

from domain.decider import Decider
from domain.integration import Channel
from domain.message import Command, Event

PREFIX = "def"


def default_stream(channel: Channel) -> str:
    """Return the stream of the default of *channel*; a workspace has one for each."""
    return f"{PREFIX}_{channel}"


def channel_of(stream: str) -> Channel:
    """Return the channel whose default *stream* is."""
    return cast("Channel", stream.removeprefix(f"{PREFIX}_"))


# ----- Commands -----
class ChooseDefault(Command, frozen=True, kw_only=True):
    """Send with this integration from now on; whether it can be used is known where it is used."""

    integration_id: str


class ClearDefault(Command, frozen=True, kw_only=True):
    """Have no default any more."""


ChannelDefaultCommand = ChooseDefault | ClearDefault


# ----- Events -----
class DefaultChosen(Event, frozen=True, kw_only=True):
    """The integration became the default of the channel, in the place of the one before."""

    integration_id: str


class DefaultCleared(Event, frozen=True, kw_only=True):
    """The channel has no default any more."""


ChannelDefaultEvent = DefaultChosen | DefaultCleared


# ----- State -----
class ChannelDefault(Struct, frozen=True, kw_only=True):
    """The chosen integration, None if there is none."""

    integration_id: str | None = None


def evolve(_: ChannelDefault, event: ChannelDefaultEvent) -> ChannelDefault:
    """Return the default as it is after *event*."""
    match event:
        case DefaultChosen(integration_id=chosen):
            return ChannelDefault(integration_id=chosen)
        case DefaultCleared():
            return ChannelDefault()
        case _:
            assert_never(event)


# ----- Decisions -----
def decide(command: ChannelDefaultCommand, default: ChannelDefault) -> list[ChannelDefaultEvent]:
    """Return the events of *command*; none if nothing changes. It never refuses."""
    match command:
        case ChooseDefault(integration_id=chosen):
            wanted, event = chosen, DefaultChosen(integration_id=chosen)
        case ClearDefault():
            wanted, event = None, DefaultCleared()
        case _:
            assert_never(command)
    return [] if wanted == default.integration_id else [event]


decider: Decider[ChannelDefaultCommand, ChannelDefaultEvent, ChannelDefault] = Decider(
    initial=ChannelDefault(), decide=decide, evolve=evolve
)
