"""The counts by type and state say how many of the view's rows there are of each."""

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from domain.envelope import Envelope
from domain.integration import IntegrationCreated, IntegrationEvent, IntegrationToggled
from projections.integration_view import (
    CountKey,
    IntegrationRow,
    count_deltas,
    count_key,
    integration_view,
)

Story = Callable[..., list[Envelope]]
CREATED = IntegrationCreated(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email=None,
    sender_name=None,
    sender_phone=None,
    vapid_public_key=None,
    credentials=(),
)
OFF = IntegrationToggled(is_active=False)


def row(story: Story, *events: IntegrationEvent) -> IntegrationRow | None:
    return integration_view.fold(story(*events))


def test_a_creation_is_one_more(story: Story) -> None:
    assert [*count_deltas(None, row(story, CREATED))] == [(("SENDGRID", True), 1)]


def test_switching_off_moves_one_from_one_state_to_the_other(story: Story) -> None:
    moved = count_deltas(row(story, CREATED), row(story, CREATED, OFF))
    assert [*moved] == [(("SENDGRID", True), -1), (("SENDGRID", False), 1)]


def test_a_deletion_is_one_fewer(story: Story) -> None:
    assert [*count_deltas(row(story, CREATED), None)] == [(("SENDGRID", True), -1)]


def test_what_stays_of_its_kind_changes_no_count(story: Story) -> None:
    assert [*count_deltas(row(story, CREATED), row(story, CREATED))] == []
    assert [*count_deltas(None, None)] == []


@given(data=st.data())
def test_after_any_history_the_steps_add_up_to_the_row_that_is_left(
    data: st.DataObject, any_history: st.SearchStrategy[list[Envelope]]
) -> None:
    counted: Counter[CountKey] = Counter()
    row = None
    for envelope in data.draw(any_history):
        before, row = row, integration_view.evolve(row, envelope)
        for kind, step in count_deltas(before, row):
            counted[kind] += step
    left = count_key(row)
    assert {kind: amount for kind, amount in counted.items() if amount} == (
        {left: 1} if left else {}
    )
