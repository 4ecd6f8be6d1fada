"""The history: an audit entry is a pure function of one stored event."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from domain.aggregates import AGGREGATES, AggregateName
from domain.channel_default import DefaultChosen, DefaultCleared
from domain.envelope import PreviousValues, RecordedEvent
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
    SettingsChanged,
    VapidPublicKeyChanged,
)
from domain.message import Event

Action = Literal[
    "INTEGRATION_ADDED",
    "INTEGRATION_REMOVED",
    "INTEGRATION_ENABLED",
    "INTEGRATION_DISABLED",
    "INTEGRATION_UPDATED",
    "CREDENTIALS_ROTATED",
    "CREDENTIALS_CHECKED",
    "DEFAULT_CHOSEN",
    "DEFAULT_CLEARED",
]
INTEGRATION_FIELDS: Mapping[str, str] = {
    "name": "name",
    "type": "type",
    "channel": "channel",
    "is_active": "isActive",
    "sender_email": "senderEmail",
    "sender_name": "senderName",
    "sender_phone": "senderPhone",
    "vapid_public_key": "vapidPublicKey",
    "settings": "settings",
}
DEFAULT_FIELDS: Mapping[str, str] = {"integration_id": "integrationId"}
API_FIELD_NAMES: Mapping[str, str] = {**INTEGRATION_FIELDS, **DEFAULT_FIELDS}
"""The columns of the views that can change and that everybody may see, and their API names."""
COLUMNS: Mapping[str, str] = {name: column for column, name in API_FIELD_NAMES.items()}
FIRST_EVENTS = {IntegrationCreated, DefaultChosen}
"""What a resource begins with."""
LAST_EVENTS: Mapping[type[Event], Mapping[str, str]] = {
    IntegrationDeleted: INTEGRATION_FIELDS,
    DefaultCleared: DEFAULT_FIELDS,
}
"""What a resource ends with, and the columns that are gone then."""
CHANGEABLE_COLUMNS: Mapping[type[Event], Sequence[str]] = {
    kind: [*LAST_EVENTS.get(kind, [c for c in API_FIELD_NAMES if c in kind.__struct_fields__])]
    for aggregate in AGGREGATES
    for kind in aggregate.events
}
"""The columns that an event may change."""
ACTIONS: Mapping[type[Event], Action] = {
    IntegrationCreated: "INTEGRATION_ADDED",
    IntegrationDeleted: "INTEGRATION_REMOVED",
    IntegrationRenamed: "INTEGRATION_UPDATED",
    SenderChanged: "INTEGRATION_UPDATED",
    VapidPublicKeyChanged: "INTEGRATION_UPDATED",
    SettingsChanged: "INTEGRATION_UPDATED",
    CredentialsReplaced: "CREDENTIALS_ROTATED",
    CredentialsDestroyed: "CREDENTIALS_ROTATED",
    CredentialsChecked: "CREDENTIALS_CHECKED",
    DefaultChosen: "DEFAULT_CHOSEN",
    DefaultCleared: "DEFAULT_CLEARED",
}
"""The action of each event but for IntegrationToggled, which has two."""
TOGGLE_ACTIONS: Mapping[bool, Action] = {
    True: "INTEGRATION_ENABLED",
    False: "INTEGRATION_DISABLED",
}


class HistoryEntry(Struct, frozen=True):
    """One audit entry, of the event at `position` in the log.

    `details` holds `changes`, from and to of each changed public field, `credentials`, field
    and version of each new secret, `destroyed`, the same of each that has gone, or what a check
    found.
    """

    position: int
    workspace_id: str
    stream: str
    version: int
    resource_name: str
    action: Action
    details: dict[str, Any]
    actor_id: str
    actor_name: str | None
    actor_email: str | None
    ip_address: str | None
    created_at: datetime


# ----- Before the event is stored -----
def name_after(row: Struct | None, event: Event, stream: str = "") -> str:
    """Return the name of what *row* shows after *event*; its last one if that deletes it.

    What has no name goes by the rest of its id: the default of a channel is called EMAIL.
    """
    if row is None and type(event) not in FIRST_EVENTS:
        return ""
    named = event if hasattr(event, "name") else row
    return getattr(named, "name", stream.partition("_")[2])


def previous_values(row: Struct | None, event: Event) -> PreviousValues | None:
    """Return the public fields that *event* changes, as *row* has them; None if it creates one."""
    if row is None:
        return None if type(event) in FIRST_EVENTS else {}
    return {
        API_FIELD_NAMES[column]: old
        for column in CHANGEABLE_COLUMNS[type(event)]
        if (old := getattr(row, column)) != getattr(event, column, None)
    }


# ----- Once it is stored -----
def history_entry(event: RecordedEvent) -> HistoryEntry:
    """Return the audit entry of *event*."""
    metadata = event.metadata
    return HistoryEntry(
        position=event.position,
        workspace_id=event.workspace,
        stream=event.stream,
        version=event.version,
        resource_name=event.name,
        action=action_of(event.event),
        details=entry_details(event.event, event.before),
        actor_id=metadata.actor.sub,
        actor_name=metadata.actor.name,
        actor_email=metadata.actor.email,
        ip_address=metadata.client_address,
        created_at=event.at,
    )


def action_of(event: Event) -> Action:
    """Return the action that *event* is in the history."""
    if type(event) is IntegrationToggled:
        return TOGGLE_ACTIONS[event.is_active]
    return ACTIONS[type(event)]


def resource_actions(resource: AggregateName) -> list[Action]:
    """Return the actions that the history of a *resource* consists of."""
    [kinds] = (aggregate.events for aggregate in AGGREGATES if aggregate.name == resource)
    toggled = TOGGLE_ACTIONS.values() if IntegrationToggled in kinds else ()
    return [*{ACTIONS[kind] for kind in kinds if kind in ACTIONS}, *toggled]


def entry_details(event: Event, before: PreviousValues | None) -> dict[str, Any]:
    """Return what *event* changed from *before*, or what a check found."""
    if type(event) is CredentialsReplaced:
        return {"credentials": credential_versions(event.credentials)}
    if type(event) is CredentialsDestroyed:
        return {"destroyed": credential_versions(event.credentials)}
    if type(event) is CredentialsChecked:
        return check_details(event)
    changes = {"changes": field_changes(event, before)}
    if type(event) is IntegrationCreated:
        return {**changes, "credentials": credential_versions(event.credentials)}
    return changes


def check_details(event: CredentialsChecked) -> dict[str, Any]:
    """Return what a check found; the region only if it is known."""
    found = {"outcome": event.outcome, "detail": event.detail, "latencyMs": event.latency_ms}
    return found if event.region is None else {**found, "region": event.region}


def field_changes(event: Event, before: PreviousValues | None) -> dict[str, dict[str, Any]]:
    """Return from and to of each public field that *event* changed from *before*."""
    if before is None:
        before = {
            name: None for c, name in API_FIELD_NAMES.items() if getattr(event, c, None) is not None
        }
    return {
        name: {"from": old, "to": getattr(event, COLUMNS[name], None)}
        for name, old in before.items()
    }


def credential_versions(credentials: Iterable[Credential]) -> list[dict[str, Any]]:
    """Return field and version of each secret; nothing else of it may be seen."""
    return [{"field": secret.field, "version": secret.version} for secret in credentials]
