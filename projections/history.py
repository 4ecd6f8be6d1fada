"""Who did what, when: one entry an event, with what it changed, from and to."""

from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, assert_never

from msgspec import Struct

from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
    VapidPublicKeyChanged,
)
from domain.recorded import Envelope
from projections.integration_view import IntegrationRow
from projections.journal import Group, Journal

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
NOTHING = (None,) * len(PUBLIC)
public_columns: Callable[[IntegrationRow], tuple[object, ...]] = attrgetter(*PUBLIC)


class HistoryRow(Struct, frozen=True):
    """One entry; columns of the table `history`, by the same names.

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
    actor = envelope.origin.actor
    return HistoryRow(
        workspace_id=envelope.workspace,
        stream=envelope.stream,
        version=envelope.version,
        resource_name=shown.name if shown else "",
        action=action_of(envelope),
        details=details_of(before, after, envelope),
        actor_id=actor.sub,
        actor_name=actor.name,
        actor_email=actor.email,
        ip_address=envelope.origin.client_address,
        created_at=envelope.at,
    )


def action_of(envelope: Envelope) -> Action:
    """Return what the event is called in the history."""
    match envelope.event:
        case IntegrationCreated():
            return "INTEGRATION_ADDED"
        case IntegrationDeleted():
            return "INTEGRATION_REMOVED"
        case IntegrationToggled(is_active=is_active):
            return "INTEGRATION_ENABLED" if is_active else "INTEGRATION_DISABLED"
        case IntegrationRenamed() | SenderChanged() | VapidPublicKeyChanged():
            return "INTEGRATION_UPDATED"
        case CredentialsReplaced():
            return "CREDENTIALS_ROTATED"
        case CredentialsChecked():
            return "CREDENTIALS_CHECKED"
        case _:
            assert_never(envelope.event)


def details_of(
    before: IntegrationRow | None, after: IntegrationRow | None, envelope: Envelope
) -> dict[str, Any]:
    """Return what the event changed, or what a check found."""
    match envelope.event:
        case CredentialsChecked() as event:
            return {
                "outcome": event.outcome,
                "detail": event.detail,
                "latencyMs": event.latency_ms,
            }
        case CredentialsReplaced(credentials=credentials):
            return {"credentials": versions_of(credentials)}
        case IntegrationCreated(credentials=credentials):
            changes = changes_between(before, after)
            return {"changes": changes, "credentials": versions_of(credentials)}
        case _:
            return {"changes": changes_between(before, after)}


def changes_between(
    before: IntegrationRow | None, after: IntegrationRow | None
) -> dict[str, dict[str, Any]]:
    """Return from and to of each public field in which the rows differ."""
    shown = zip(PUBLIC.values(), public_of(before), public_of(after), strict=True)
    return {name: {"from": old, "to": new} for name, old, new in shown if old != new}


def public_of(row: IntegrationRow | None) -> tuple[object, ...]:
    """Return the values of the PUBLIC columns; nulls where there is no row."""
    return NOTHING if row is None else public_columns(row)


def versions_of(credentials: Iterable[Credential]) -> list[dict[str, Any]]:
    """Return field and version of each secret; there is nothing else to tell."""
    return [{"field": secret.field, "version": secret.version} for secret in credentials]


history = Journal(
    "history",
    1,
    HistoryRow,
    entry,
    numbers={
        "sequence": Group(),
        "action_sequence": Group(("action",)),
        "actor_sequence": Group(("actor_id",)),
        "actor_action_sequence": Group(("action", "actor_id"), joined="action_actor"),
    },
    latest={"latest_at": "created_at"},
)
