"""Who did what, when: one entry an event, with what it changed, from and to.

The log says most of an entry; what it does not, and what entries are found by, is kept here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from msgspec import Struct

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
from projections.integration_view import IntegrationRow
from projections.journal import Journal

Action = Literal[
    "INTEGRATION_ADDED",
    "INTEGRATION_REMOVED",
    "INTEGRATION_ENABLED",
    "INTEGRATION_DISABLED",
    "INTEGRATION_UPDATED",
    "CREDENTIALS_ROTATED",
    "CREDENTIALS_CHECKED",
]
Column = Literal[
    "name",
    "type",
    "channel",
    "is_active",
    "sender_email",
    "sender_name",
    "sender_phone",
    "vapid_public_key",
]
"""A column of the view that can change, and that everybody may see."""
PUBLIC: dict[Column, str] = {
    "name": "name",
    "type": "type",
    "channel": "channel",
    "is_active": "isActive",
    "sender_email": "senderEmail",
    "sender_name": "senderName",
    "sender_phone": "senderPhone",
    "vapid_public_key": "vapidPublicKey",
}
"""Their names in the HTTP API."""
CHANGED: dict[type[IntegrationEvent], Sequence[Column]] = {
    kind: [c for c in PUBLIC if kind is IntegrationDeleted or c in kind.__struct_fields__]
    for kind in get_args(IntegrationEvent)
}
"""The columns that an event may change."""
Was = dict[Column, Any] | None
"""Values by column; None is no integration."""
ACTIONS: dict[type[IntegrationEvent], Action] = {
    IntegrationCreated: "INTEGRATION_ADDED",
    IntegrationDeleted: "INTEGRATION_REMOVED",
    IntegrationRenamed: "INTEGRATION_UPDATED",
    SenderChanged: "INTEGRATION_UPDATED",
    VapidPublicKeyChanged: "INTEGRATION_UPDATED",
    CredentialsReplaced: "CREDENTIALS_ROTATED",
    CredentialsChecked: "CREDENTIALS_CHECKED",
}
"""What events are called; IntegrationToggled has two names."""


class HistoryRow(Struct, frozen=True):
    """What is kept of an event: what it is found by, and what the log does not say of it.

    `resource_name` is the integration's name then. `was` holds those columns of the view that the
    event changed, as they were before; None where the event made the integration.
    """

    workspace_id: str
    action: Action
    actor_id: str
    created_at: datetime
    resource_name: str
    was: Was


class HistoryEntry(Struct, frozen=True):
    """One entry, of the event at `position` in the log.

    `details` holds `changes`, from and to of each changed public field, `credentials`, field
    and version of each new secret, or what a check found.
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


def row_of(
    before: IntegrationRow | None, after: IntegrationRow | None, envelope: Envelope
) -> HistoryRow:
    """Return what is kept of one event."""
    shown = after or before
    return HistoryRow(
        envelope.workspace,
        action_of(envelope.event),
        envelope.origin.actor.sub,
        envelope.at,
        shown.name if shown else "",
        changed(before, after, envelope.event),
    )


def changed(
    before: IntegrationRow | None, after: IntegrationRow | None, event: IntegrationEvent
) -> Was:
    """Return the public columns that *event* changed, as they were before."""
    if before is None:
        return None if after else {}
    was: dict[Column, Any] = {}
    for column in CHANGED[type(event)]:
        old = getattr(before, column)
        if old != getattr(after, column, None):
            was[column] = old
    return was


def entry_of(event: RecordedEvent, resource_name: str, was: Was) -> HistoryEntry:
    """Return the entry of *event*, of which the history keeps *resource_name* and what *was*."""
    origin = event.origin
    return HistoryEntry(
        position=event.position,
        workspace_id=event.workspace,
        stream=event.stream,
        version=event.version,
        resource_name=resource_name,
        action=action_of(event.event),
        details=details_of(event.event, was),
        actor_id=origin.actor.sub,
        actor_name=origin.actor.name,
        actor_email=origin.actor.email,
        ip_address=origin.client_address,
        created_at=event.at,
    )


def action_of(event: IntegrationEvent) -> Action:
    """Return what *event* is called in the history."""
    if type(event) is IntegrationToggled:
        return "INTEGRATION_ENABLED" if event.is_active else "INTEGRATION_DISABLED"
    return ACTIONS[type(event)]


def details_of(event: IntegrationEvent, was: Was) -> dict[str, Any]:
    """Return what *event* changed of what *was*, or what a check found."""
    if type(event) is CredentialsReplaced:
        return {"credentials": versions_of(event.credentials)}
    if type(event) is CredentialsChecked:
        return {"outcome": event.outcome, "detail": event.detail, "latencyMs": event.latency_ms}
    if type(event) is IntegrationCreated:
        return {"changes": changes(event, was), "credentials": versions_of(event.credentials)}
    return {"changes": changes(event, was)}


def changes(event: IntegrationEvent, was: Was) -> dict[str, dict[str, Any]]:
    """Return from and to of each public field that *event* changed of what *was*."""
    if was is None:
        was = {column: None for column in PUBLIC if getattr(event, column, None) is not None}
    return {
        PUBLIC[column]: {"from": old, "to": getattr(event, column, None)}
        for column, old in was.items()
    }


def versions_of(credentials: Iterable[Credential]) -> list[dict[str, Any]]:
    """Return field and version of each secret; there is nothing else to tell."""
    return [{"field": secret.field, "version": secret.version} for secret in credentials]


history = Journal(
    "history", 3, HistoryRow, row_of, tables=("history", "history_pages", "history_lists")
)
