"""What holds for the decider whatever is asked, in whatever order."""

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.errors import DomainError, IntegrationNotFoundError
from domain.integration import (
    DeleteIntegration,
    Integration,
    IntegrationCommand,
    IntegrationEvent,
    decider,
)


def asked(command: IntegrationCommand, integration: Integration) -> Integration:
    """Return *integration* after *command*; a refusal changes nothing."""
    try:
        return decider.fold(decider.decide(command, integration), integration)
    except DomainError:
        return integration


def asked_all(commands: list[IntegrationCommand]) -> Integration:
    integration = decider.initial
    for command in commands:
        integration = asked(command, integration)
    return integration


@given(data=st.data())
def test_asking_twice_changes_nothing_more(
    data: st.DataObject, any_command: st.SearchStrategy[IntegrationCommand]
) -> None:
    before = asked_all(data.draw(st.lists(any_command, max_size=6)))
    command = data.draw(any_command)
    once = asked(command, before)
    assert asked(command, once) == once


@given(data=st.data())
def test_what_is_deleted_stays_deleted(
    data: st.DataObject, any_command: st.SearchStrategy[IntegrationCommand]
) -> None:
    before = asked_all(data.draw(st.lists(any_command, min_size=1, max_size=6)))
    assume(before.exists)
    deleted = asked(DeleteIntegration(), before)
    assert deleted == Integration(is_deleted=True)
    assert asked(data.draw(any_command), deleted) == deleted


@given(data=st.data())
def test_an_integration_exists_from_its_creation_to_its_end(
    data: st.DataObject, any_command: st.SearchStrategy[IntegrationCommand]
) -> None:
    integration = asked_all(data.draw(st.lists(any_command, max_size=6)))
    assert not (integration.exists and integration.is_deleted)
    try:
        decider.decide(DeleteIntegration(), integration)
    except IntegrationNotFoundError:
        assert not integration.exists
    else:
        assert integration.exists


@given(data=st.data())
def test_evolve_takes_every_event_in_every_order(
    data: st.DataObject, any_event: st.SearchStrategy[IntegrationEvent]
) -> None:
    events = data.draw(st.lists(any_event, max_size=8))
    whole = decider.fold(events)
    cut = data.draw(st.integers(0, len(events)))
    assert decider.fold(events[cut:], start=decider.fold(events[:cut])) == whole
