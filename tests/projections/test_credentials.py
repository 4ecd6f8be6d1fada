"""What is stored of secrets, event by event."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates import INTEGRATION
from domain.envelope import Actor, Envelope
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationToggled,
    SecretField,
    SettingsChanged,
    VapidPublicKeyChanged,
)
from projections.credentials import (
    CREDENTIAL_EVENTS,
    CredentialsStatus,
    NewestCheck,
    StoredSecret,
    credentials_status,
)

Story = Callable[..., list[Envelope]]
ACTOR = Actor(sub="user-1")


def credential(field: SecretField, version: int) -> Credential:
    """Return what an event says of a secret."""
    return Credential(field=field, version=version, kek="kek-1", commitment="c0ffee")


def stored(version: int, minute: int) -> StoredSecret:
    """Return a secret that was set at a *minute* of the story."""
    return StoredSecret(version, datetime(2026, 11, 5, 9, minute, tzinfo=UTC), ACTOR)


def checked(detail: str) -> CredentialsChecked:
    """Return a check."""
    return CredentialsChecked(outcome="ok", detail=detail, latency_ms=7, region="EU")


CREATED = IntegrationCreated(
    name="Text",
    type="TWILIO",
    channel="SMS",
    is_active=True,
    credentials=(credential("apiKey", 1), credential("apiSecret", 1)),
)
BOTH: Mapping[SecretField, StoredSecret] = {"apiKey": stored(1, 1), "apiSecret": stored(1, 1)}
SECOND = CredentialsReplaced(credentials=(credential("apiSecret", 2),))
OFF = IntegrationToggled(is_active=False)
STORIES: dict[str, tuple[list[IntegrationEvent], CredentialsStatus | None]] = {
    "nothing": ([], None),
    "created": ([CREATED], CredentialsStatus("TWILIO", BOTH)),
    "another change": ([CREATED, OFF], CredentialsStatus("TWILIO", BOTH)),
    "replaced": (
        [CREATED, OFF, SECOND],
        CredentialsStatus("TWILIO", {**BOTH, "apiSecret": stored(2, 3)}),
    ),
    "destroyed": (
        [CREATED, CredentialsDestroyed(credentials=(credential("apiSecret", 1),))],
        CredentialsStatus("TWILIO", {"apiKey": stored(1, 1)}),
    ),
    "destroyed and set again": (
        [CREATED, CredentialsDestroyed(credentials=(credential("apiSecret", 1),)), SECOND],
        CredentialsStatus("TWILIO", {**BOTH, "apiSecret": stored(2, 3)}),
    ),
    "checked twice": (
        [CREATED, checked("first"), checked("second"), OFF],
        CredentialsStatus(
            "TWILIO",
            BOTH,
            NewestCheck(checked("second"), datetime(2026, 11, 5, 9, 3, tzinfo=UTC)),
        ),
    ),
    "deleted": ([CREATED, IntegrationDeleted()], None),
    "after the deletion": ([CREATED, IntegrationDeleted(), SECOND, checked("x")], None),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_status_says_since_when_and_by_whom(story: Story, name: str) -> None:
    events, status = STORIES[name]
    assert credentials_status(story(*events)) == status


@pytest.mark.parametrize(
    ("change", "is_current"),
    [
        (SECOND, False),
        (CredentialsDestroyed(credentials=(credential("apiSecret", 1),)), False),
        (VapidPublicKeyChanged(vapid_public_key=None), False),
        (SettingsChanged(settings={"region": "IE1"}), False),
        (OFF, True),
    ],
)
def test_a_check_is_current_until_what_it_is_about_changes(
    story: Story, change: IntegrationEvent, is_current: bool
) -> None:
    status = credentials_status(story(CREATED, checked("first"), change))
    assert status is not None
    assert status.check is not None
    assert status.check.is_current is is_current
    again = credentials_status(story(CREATED, checked("first"), change, checked("second")))
    assert again is not None
    assert again.check is not None
    assert again.check.is_current


@given(data=st.data())
def test_it_has_the_secrets_of_the_state_and_needs_only_the_events_that_a_request_reads(
    any_history: st.SearchStrategy[list[Envelope]], data: st.DataObject
) -> None:
    history = data.draw(any_history)
    status = credentials_status(history)
    state = INTEGRATION.decider.fold(envelope.event for envelope in history)
    assert (status is not None) is state.exists
    if status is not None:
        versions = {field: secret.version for field, secret in status.secrets.items()}
        assert versions == {each.field: each.version for each in state.credentials}
    checks = [e for e in history if isinstance(e.event, CredentialsChecked)][-1:]
    read = [e for e in history if isinstance(e.event, CREDENTIAL_EVENTS) or e in checks]
    assert credentials_status(read) == status
