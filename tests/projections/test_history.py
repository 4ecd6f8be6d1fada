"""An audit entry says, from its stored event alone, what changed from what to what."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.event_store.codec import decode_recorded, encoder
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
from projections.history import API_FIELD_NAMES, HistoryEntry, history_entry
from projections.integration_view import IntegrationRow, integration_view

Story = Callable[..., list[Envelope]]
CREATED = IntegrationCreated(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="news@example.org",
    settings={"region": "GLOBAL"},
    credentials=(Credential(field="apiKey", version=1, kek="kek-1", commitment="c0ffee"),),
)
REPLACED = Credential(field="apiKey", version=2, kek="kek-1", commitment="c0ffee")
SAID: list[tuple[IntegrationEvent, tuple[str, Any]]] = [
    (
        IntegrationRenamed(name="Post"),
        (
            "INTEGRATION_UPDATED",
            {"changes": {"name": {"from": "Mail", "to": "Post"}}},
        ),
    ),
    (
        SenderChanged(sender_email=None, sender_name="News", sender_phone=None),
        (
            "INTEGRATION_UPDATED",
            {
                "changes": {
                    "senderEmail": {"from": "news@example.org", "to": None},
                    "senderName": {"from": None, "to": "News"},
                }
            },
        ),
    ),
    (
        VapidPublicKeyChanged(vapid_public_key="BNc"),
        (
            "INTEGRATION_UPDATED",
            {"changes": {"vapidPublicKey": {"from": None, "to": "BNc"}}},
        ),
    ),
    (
        SettingsChanged(settings={"region": "EU"}),
        (
            "INTEGRATION_UPDATED",
            {"changes": {"settings": {"from": {"region": "GLOBAL"}, "to": {"region": "EU"}}}},
        ),
    ),
    (
        SettingsChanged(settings=None),
        (
            "INTEGRATION_UPDATED",
            {"changes": {"settings": {"from": {"region": "GLOBAL"}, "to": None}}},
        ),
    ),
    (
        CredentialsDestroyed(credentials=(REPLACED,)),
        (
            "CREDENTIALS_ROTATED",
            {"destroyed": [{"field": "apiKey", "version": 2}]},
        ),
    ),
    (
        IntegrationToggled(is_active=False),
        (
            "INTEGRATION_DISABLED",
            {"changes": {"isActive": {"from": True, "to": False}}},
        ),
    ),
    (IntegrationToggled(is_active=True), ("INTEGRATION_ENABLED", {"changes": {}})),
    (
        CredentialsReplaced(credentials=(REPLACED,)),
        (
            "CREDENTIALS_ROTATED",
            {"credentials": [{"field": "apiKey", "version": 2}]},
        ),
    ),
    (
        CredentialsChecked(outcome="ok", detail="It works.", latency_ms=12),
        (
            "CREDENTIALS_CHECKED",
            {"outcome": "ok", "detail": "It works.", "latencyMs": 12},
        ),
    ),
    (
        CredentialsChecked(outcome="ok", detail="It works.", latency_ms=12, region="EU"),
        (
            "CREDENTIALS_CHECKED",
            {"outcome": "ok", "detail": "It works.", "latencyMs": 12, "region": "EU"},
        ),
    ),
    (
        IntegrationDeleted(),
        (
            "INTEGRATION_REMOVED",
            {
                "changes": {
                    "name": {"from": "Mail", "to": None},
                    "type": {"from": "SENDGRID", "to": None},
                    "channel": {"from": "EMAIL", "to": None},
                    "isActive": {"from": True, "to": None},
                    "senderEmail": {"from": "news@example.org", "to": None},
                    "settings": {"from": {"region": "GLOBAL"}, "to": None},
                }
            },
        ),
    ),
]


def entries(envelopes: list[Envelope]) -> list[HistoryEntry]:
    """Return the entries of *envelopes*, each of its stored bytes alone."""
    return [
        history_entry(decode_recorded(position, encoder.encode(envelope)))
        for position, envelope in enumerate(envelopes, start=1)
    ]


@pytest.mark.parametrize(("event", "said"), SAID, ids=repr)
def test_an_entry_says_what_its_event_changed_and_from_what(
    story: Story, event: IntegrationEvent, said: tuple[str, Any]
) -> None:
    *_, entry = entries(story(CREATED, event))
    assert (entry.action, entry.details) == said
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
            "settings": {"from": None, "to": {"region": "GLOBAL"}},
        },
        "credentials": [{"field": "apiKey", "version": 1}],
    }


@pytest.mark.parametrize("event", [event for event, _ in SAID], ids=repr)
def test_what_happens_to_what_is_not_there_changes_nothing(
    story: Story, event: IntegrationEvent
) -> None:
    [entry] = entries(story(event))
    assert entry.details.get("changes", {}) == {}
    assert entry.resource_name == ""


def test_the_envelope_holds_what_its_event_changed_from(story: Story) -> None:
    first, last = story(CREATED, IntegrationRenamed(name="Post"))
    assert (first.name, first.before) == ("Mail", None)
    assert (last.name, last.before) == ("Post", {"name": "Mail"})


def test_a_deleted_integration_keeps_its_last_name(story: Story) -> None:
    *_, last = story(CREATED, IntegrationRenamed(name="Post"), IntegrationDeleted())
    assert last.name == "Post"


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
            for column, shown in API_FIELD_NAMES.items()
            if (old := getattr(before, column, None)) != (new := getattr(after, column, None))
        }
        before = after
