"""Messages of every kind."""

from collections.abc import Callable

import pytest
from hypothesis.strategies import SearchStrategy

from domain.integration import IntegrationCommand, IntegrationEvent

AnyOf = Callable[..., SearchStrategy[object]]


@pytest.fixture(scope="session")
def any_command(any_of: AnyOf) -> SearchStrategy[object]:
    """A strategy for commands of all kinds."""
    return any_of(IntegrationCommand)


@pytest.fixture(scope="session")
def any_event(any_of: AnyOf) -> SearchStrategy[object]:
    """A strategy for events of all kinds."""
    return any_of(IntegrationEvent)
