"""Each aggregate is found by its streams, and no event belongs to two."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates import AGGREGATES, INTEGRATION, Aggregate, DomainEvent, aggregate_of
from domain.channel_default import (
    ChannelDefault,
    ChannelDefaultCommand,
    ChooseDefault,
    ClearDefault,
    DefaultChosen,
    DefaultCleared,
    channel_of,
    decider,
    default_stream,
)
from domain.integration import Channel

EVERY = pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
FIRST, SECOND = ChooseDefault(integration_id="int_1"), ChooseDefault(integration_id="int_2")
CLEAR = ClearDefault()


@EVERY
def test_an_aggregate_is_found_by_the_prefix_of_its_streams(aggregate: Aggregate) -> None:
    assert aggregate_of(f"{aggregate.prefix}_1") is aggregate


@pytest.mark.parametrize("channel", get_args(Channel))
def test_the_stream_of_a_default_names_its_channel(channel: Channel) -> None:
    assert default_stream(channel) == f"def_{channel}"
    assert channel_of(default_stream(channel)) == channel
    assert aggregate_of(default_stream(channel)).name == "channelDefault"


@pytest.mark.parametrize("stream", ["", "_", "defEMAIL", "other_1", "DEF_EMAIL", "int"])
def test_a_stream_that_nothing_writes_is_read_as_an_integration(stream: str) -> None:
    assert aggregate_of(stream) is INTEGRATION


def test_every_event_belongs_to_one_aggregate() -> None:
    kinds = [kind for aggregate in AGGREGATES for kind in aggregate.events]
    assert sorted(map(repr, kinds)) == sorted(map(repr, get_args(DomainEvent)))
    assert INTEGRATION.events.isdisjoint({DefaultChosen, DefaultCleared})


@pytest.mark.parametrize(
    ("commands", "events"),
    [
        ((FIRST,), [DefaultChosen(integration_id="int_1")]),
        ((FIRST, FIRST), []),
        ((FIRST, SECOND), [DefaultChosen(integration_id="int_2")]),
        ((FIRST, SECOND, FIRST), [DefaultChosen(integration_id="int_1")]),
        ((CLEAR,), []),
        ((FIRST, CLEAR), [DefaultCleared()]),
        ((FIRST, CLEAR, CLEAR), []),
        ((FIRST, CLEAR, FIRST), [DefaultChosen(integration_id="int_1")]),
    ],
)
def test_the_last_command_leads_to(
    commands: tuple[ChannelDefaultCommand, ...], events: list[object]
) -> None:
    *before, last = commands
    assert decider.decide(last, asked_all(before)) == events


@given(data=st.data())
def test_a_channel_has_one_default_or_none_and_asking_twice_changes_nothing(
    data: st.DataObject, any_of: Callable[..., st.SearchStrategy[Any]]
) -> None:
    commands = data.draw(st.lists(any_of(ChannelDefaultCommand), min_size=1, max_size=6))
    default = asked_all(commands)
    wanted = getattr(commands[-1], "integration_id", None)
    assert default == ChannelDefault(integration_id=wanted)
    assert decider.decide(commands[-1], default) == []


def asked_all(commands: list[ChannelDefaultCommand]) -> ChannelDefault:
    """Return the default after *commands*."""
    default = decider.initial
    for command in commands:
        default = decider.fold(decider.decide(command, default), default)
    return default
