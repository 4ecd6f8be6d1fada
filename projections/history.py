"""Who did what, when: one entry an event, with what it changed, from and to."""

from collections.abc import Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal

from msgspec import Struct

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
from domain.recorded import Envelope
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
PUBLIC = {
    "name": "name",
    "type": "type",
    "channel": "channel",
    "is_active": "isActive",
    "sender_email": "senderEmail",
    "sender_name": "senderName",
    "sender_phone": "senderPhone",
    "vapid_public_key": "vapidPublicKey",
}
"""The columns of the view that can change, and their names in the HTTP API."""
NOTHING = SimpleNamespace(**dict.fromkeys(PUBLIC))
"""An integration that is not there: an attribute that is found is cheaper than one that is not."""
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
    """One entry; what is stored of it is its encoding (app/views/book.py).

    `details` holds `changes`, from and to of each changed public field, `credentials`, field
    and version of each new secret, or what a check found.
    """

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


def entry(
    before: IntegrationRow | None, after: IntegrationRow | None, envelope: Envelope
) -> HistoryRow:
    """Return the entry of one event."""
    shown = after or before
    origin = envelope.origin
    return HistoryRow(
        workspace_id=envelope.workspace,
        stream=envelope.stream,
        version=envelope.version,
        resource_name=shown.name if shown else "",
        action=action_of(envelope.event),
        details=details_of(before, after, envelope.event),
        actor_id=origin.actor.sub,
        actor_name=origin.actor.name,
        actor_email=origin.actor.email,
        ip_address=origin.client_address,
        created_at=envelope.at,
    )


def action_of(event: IntegrationEvent) -> Action:
    """Return what *event* is called in the history."""
    if type(event) is IntegrationToggled:
        return "INTEGRATION_ENABLED" if event.is_active else "INTEGRATION_DISABLED"
    return ACTIONS[type(event)]


def details_of(
    before: IntegrationRow | None, after: IntegrationRow | None, event: IntegrationEvent
) -> dict[str, Any]:
    """Return what *event* changed, or what a check found."""
    if type(event) is CredentialsReplaced:
        return {"credentials": versions_of(event.credentials)}
    if type(event) is CredentialsChecked:
        return {"outcome": event.outcome, "detail": event.detail, "latencyMs": event.latency_ms}
    if type(event) is IntegrationCreated:
        changes = changes_between(before, after, PUBLIC)
        return {"changes": changes, "credentials": versions_of(event.credentials)}
    columns = PUBLIC if type(event) is IntegrationDeleted else event.__struct_fields__
    return {"changes": changes_between(before, after, columns)}


def changes_between(
    before: IntegrationRow | None, after: IntegrationRow | None, columns: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return from and to of each of the public *columns* in which the rows differ."""
    was, is_ = before or NOTHING, after or NOTHING
    changes: dict[str, dict[str, Any]] = {}
    for column in columns:
        old, new = getattr(was, column), getattr(is_, column)
        if old != new:
            changes[PUBLIC[column]] = {"from": old, "to": new}
    return changes


def versions_of(credentials: Iterable[Credential]) -> list[dict[str, Any]]:
    """Return field and version of each secret; there is nothing else to tell."""
    return [{"field": secret.field, "version": secret.version} for secret in credentials]


history = Journal(
    "history", 2, HistoryRow, entry, tables=("history", "history_pages", "history_lists")
)
