"""Histories: lists of envelopes, sensible ones and any."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st

from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import IntegrationEvent
from projections.history import name_after, previous_values
from projections.integration_view import integration_view

Story = Callable[..., list[Envelope]]
AnyOf = Callable[..., st.SearchStrategy[IntegrationEvent]]


def told(*events: IntegrationEvent) -> list[Envelope]:
    """Return *events* as one stream's history: versions from 1, a minute apart."""
    row, envelopes = None, list[Envelope]()
    for version, event in enumerate(events, start=1):
        envelope = Envelope(
            workspace="demo",
            stream="int_1",
            version=version,
            at=datetime(2026, 11, 5, 9, version % 60, tzinfo=UTC),
            metadata=EventMetadata(actor=Actor(sub="user-1")),
            name=name_after(row, event),
            before=previous_values(row, event),
            event=event,
        )
        envelopes.append(envelope)
        row = integration_view.evolve(row, envelope)
    return envelopes


@pytest.fixture(scope="session")
def story() -> Story:
    """Return events as the history of stream `int_1` of `demo`, at 09:01, 09:02, …"""
    return told


@pytest.fixture(scope="session")
def any_history(any_of: AnyOf) -> st.SearchStrategy[list[Envelope]]:
    """A strategy for histories of any events in any order, possible or not."""
    return st.lists(any_of(IntegrationEvent), max_size=8).map(lambda events: told(*events))
