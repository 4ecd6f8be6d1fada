"""The row that list and get show, event by event."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from domain.envelope import Envelope
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
    SettingsChanged,
    VapidPublicKeyChanged,
)
from projections.integration_view import (
    CountKey,
    IntegrationRow,
    count_deltas,
    count_key,
    integration_view,
)

Story = Callable[..., list[Envelope]]
NINE_ONE, NINE_TWO = (datetime(2026, 11, 5, 9, minute, tzinfo=UTC) for minute in (1, 2))
KEY = Credential(field="apiKey", version=1, kek="kek-1", commitment="c0ffee")
CREATED = IntegrationCreated(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="a@example.org",
    sender_name="A",
    sender_phone="+4930123456",
    vapid_public_key="B-key",
    settings={"region": "EU"},
    credentials=(KEY,),
)
ROW = IntegrationRow(
    workspace_id="demo",
    id="int_1",
    version=1,
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="a@example.org",
    sender_name="A",
    sender_phone="+4930123456",
    vapid_public_key="B-key",
    settings={"region": "EU"},
    created_at=NINE_ONE,
    updated_at=NINE_ONE,
    name_key="mail\nMail",
    search_text="mail\na@example.org\na\n+4930123456",
)
CHANGES: list[tuple[IntegrationEvent, dict[str, object]]] = [
    (
        IntegrationRenamed(name="Straße"),
        {
            "name": "Straße",
            "name_key": "strasse\nStraße",
            "search_text": "strasse\na@example.org\na\n+4930123456",
        },
    ),
    (
        SenderChanged(sender_email="b@example.org", sender_name=None, sender_phone=None),
        {
            "sender_email": "b@example.org",
            "sender_name": None,
            "sender_phone": None,
            "search_text": "mail\nb@example.org",
        },
    ),
    (VapidPublicKeyChanged(vapid_public_key=None), {"vapid_public_key": None}),
    (SettingsChanged(settings=None), {"settings": None}),
    (IntegrationToggled(is_active=False), {"is_active": False}),
    (CredentialsReplaced(credentials=(KEY,)), {}),
    (CredentialsDestroyed(credentials=(KEY,)), {}),
    (
        CredentialsChecked(outcome="invalid", detail="No such key", latency_ms=7),
        {
            "version": 1,
            "updated_at": NINE_ONE,
        },
    ),
]

OFF = IntegrationToggled(is_active=False)


def test_without_events_there_is_no_row() -> None:
    assert integration_view.fold([]) is None


def test_a_created_integration_is_shown_without_its_credentials(story: Story) -> None:
    row = integration_view.fold(story(CREATED))
    assert row == ROW
    assert "c0ffee" not in repr(row)


@pytest.mark.parametrize(("event", "changes"), CHANGES)
def test_an_event_changes_its_columns_version_and_time_and_nothing_else(
    story: Story, event: IntegrationEvent, changes: dict[str, object]
) -> None:
    changed = {"version": 2, "updated_at": NINE_TWO} | changes
    assert integration_view.fold(story(CREATED, event)) == replace(ROW, **changed)


@given(data=st.data())
def test_the_version_grows_with_what_is_shown_and_with_nothing_else(
    any_history: st.SearchStrategy[list[Envelope]], data: st.DataObject
) -> None:
    """Any event, also one that is added later: what shows nothing moves no entity tag."""
    before = None
    for envelope in data.draw(any_history):
        after = integration_view.evolve(before, envelope)
        if before is not None and after is not None:
            shows_the_same = replace(after, version=0) == replace(before, version=0)
            assert after.version == (before.version if shows_the_same else envelope.version)
        before = after


def test_no_event_is_forgotten_here() -> None:
    told = {
        type(event) for event in (CREATED, *[event for event, _ in CHANGES], IntegrationDeleted())
    }
    assert told == set(get_args(IntegrationEvent))


def test_a_deleted_integration_has_no_row_any_more(story: Story) -> None:
    toggled = IntegrationToggled(is_active=False)
    assert integration_view.fold(story(CREATED, toggled, IntegrationDeleted())) is None


@pytest.mark.parametrize("event", [event for event, _ in CHANGES])
def test_a_change_of_what_is_not_there_shows_nothing(story: Story, event: IntegrationEvent) -> None:
    assert integration_view.fold(story(event)) is None
    assert integration_view.fold(story(CREATED, IntegrationDeleted(), event)) is None


def test_every_column_shows_something_of_the_story(story: Story) -> None:
    row = integration_view.fold(story(CREATED))
    assert row is not None
    assert None not in asdict(row).values()


# ----- Counts -----
def folded_row(story: Story, *events: IntegrationEvent) -> IntegrationRow | None:
    return integration_view.fold(story(*events))


def test_a_creation_is_one_more(story: Story) -> None:
    assert [*count_deltas(None, folded_row(story, CREATED))] == [(("SENDGRID", True), 1)]


def test_switching_off_moves_one_from_one_state_to_the_other(story: Story) -> None:
    moved = count_deltas(folded_row(story, CREATED), folded_row(story, CREATED, OFF))
    assert [*moved] == [(("SENDGRID", True), -1), (("SENDGRID", False), 1)]


def test_a_deletion_is_one_fewer(story: Story) -> None:
    assert [*count_deltas(folded_row(story, CREATED), None)] == [(("SENDGRID", True), -1)]


def test_what_stays_of_its_kind_changes_no_count(story: Story) -> None:
    assert [*count_deltas(folded_row(story, CREATED), folded_row(story, CREATED))] == []
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
