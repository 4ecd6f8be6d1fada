"""What the history keeps beside the log is what an entry needs to say from what to what."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.envelope import Envelope, RecordedEvent
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
    VapidPublicKeyChanged,
)
from projections.history import PUBLIC, HistoryEntry, HistoryRow, entry_of, history
from projections.integration_view import IntegrationRow, integration_view

Story = Callable[..., list[Envelope]]
CREATED = IntegrationCreated(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="news@example.org",
    credentials=(Credential(field="apiKey", version=1, kek="kek-1", commitment="c0ffee"),),
)
REPLACED = Credential(field="apiKey", version=2, kek="kek-1", commitment="c0ffee")
SAID: dict[IntegrationEvent, tuple[str, Any]] = {
    IntegrationRenamed(name="Post"): (
        "INTEGRATION_UPDATED",
        {"changes": {"name": {"from": "Mail", "to": "Post"}}},
    ),
    SenderChanged(sender_email=None, sender_name="News", sender_phone=None): (
        "INTEGRATION_UPDATED",
        {
            "changes": {
                "senderEmail": {"from": "news@example.org", "to": None},
                "senderName": {"from": None, "to": "News"},
            }
        },
    ),
    VapidPublicKeyChanged(vapid_public_key="BNc"): (
        "INTEGRATION_UPDATED",
        {"changes": {"vapidPublicKey": {"from": None, "to": "BNc"}}},
    ),
    IntegrationToggled(is_active=False): (
        "INTEGRATION_DISABLED",
        {"changes": {"isActive": {"from": True, "to": False}}},
    ),
    IntegrationToggled(is_active=True): ("INTEGRATION_ENABLED", {"changes": {}}),
    CredentialsReplaced(credentials=(REPLACED,)): (
        "CREDENTIALS_ROTATED",
        {"credentials": [{"field": "apiKey", "version": 2}]},
    ),
    CredentialsChecked(outcome="ok", detail="It works.", latency_ms=12): (
        "CREDENTIALS_CHECKED",
        {"outcome": "ok", "detail": "It works.", "latencyMs": 12},
    ),
    IntegrationDeleted(): (
        "INTEGRATION_REMOVED",
        {
            "changes": {
                "name": {"from": "Mail", "to": None},
                "type": {"from": "SENDGRID", "to": None},
                "channel": {"from": "EMAIL", "to": None},
                "isActive": {"from": True, "to": None},
                "senderEmail": {"from": "news@example.org", "to": None},
            }
        },
    ),
}


def entries(envelopes: list[Envelope]) -> list[HistoryEntry]:
    """Return the entries of *envelopes*, of what is kept of them as it is stored."""
    return [
        entry_of(recorded(position, envelope), row.resource_name, row.was)
        for position, (envelope, row) in enumerate(
            zip(envelopes, map(stored, history.entries([], envelopes)), strict=True), start=1
        )
    ]


def recorded(position: int, envelope: Envelope) -> RecordedEvent:
    """Return *envelope* at *position*."""
    return RecordedEvent(position=position, **msgspec.structs.asdict(envelope))


def stored(row: HistoryRow) -> HistoryRow:
    """Return *row* as it comes back from its encoding."""
    return msgspec.json.decode(msgspec.json.encode(row), type=HistoryRow)


@pytest.mark.parametrize("event", SAID, ids=repr)
def test_an_entry_says_what_its_event_changed_and_from_what(
    story: Story, event: IntegrationEvent
) -> None:
    *_, entry = entries(story(CREATED, event))
    assert (entry.action, entry.details) == SAID[event]
    assert entry.resource_name == getattr(event, "name", "Mail")
    assert (entry.position, entry.version, entry.actor_id) == (2, 2, "user-1")


def test_the_first_entry_says_all_that_there_was_not_before(story: Story) -> None:
    [entry] = entries(story(CREATED))
    assert entry.action == "INTEGRATION_ADDED"
    assert entry.details == {
        "changes": {
            "name": {"from": None, "to": "Mail"},
            "type": {"from": None, "to": "SENDGRID"},
            "channel": {"from": None, "to": "EMAIL"},
            "isActive": {"from": None, "to": True},
            "senderEmail": {"from": None, "to": "news@example.org"},
        },
        "credentials": [{"field": "apiKey", "version": 1}],
    }


@pytest.mark.parametrize("event", SAID, ids=repr)
def test_what_happens_to_what_is_not_there_changes_nothing(
    story: Story, event: IntegrationEvent
) -> None:
    [entry] = entries(story(event))
    assert entry.details.get("changes", {}) == {}
    assert entry.resource_name == ""


def test_what_the_log_says_is_not_kept_again(story: Story) -> None:
    first, *_, last = history.entries([], story(CREATED, IntegrationRenamed(name="Post")))
    assert (first.resource_name, first.was) == ("Mail", None)
    assert (last.resource_name, last.was) == ("Post", {"name": "Mail"})


@given(data=st.data())
def test_all_changes_of_the_view_are_told_in_any_history(
    data: st.DataObject, any_history: st.SearchStrategy[list[Envelope]]
) -> None:
    envelopes = data.draw(any_history)
    before: IntegrationRow | None = None
    for envelope, entry in zip(envelopes, entries(envelopes), strict=True):
        after = integration_view.evolve(before, envelope)
        assert entry.details.get("changes", {}) == {
            shown: {"from": old, "to": new}
            for column, shown in PUBLIC.items()
            if (old := getattr(before, column, None)) != (new := getattr(after, column, None))
        }
        before = after
