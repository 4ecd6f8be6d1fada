"""List and get: each integration as everybody may see it, without secrets."""

from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.integration import (
    Channel,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationToggled,
)
from domain.recorded import Envelope
from projections.projection import Projection


class IntegrationRow(Struct, frozen=True):
    """One integration; the columns of the table `integration_view`, by the same names."""

    workspace_id: str
    id: str
    version: int
    name: str
    type: str
    channel: Channel
    is_active: bool
    sender_email: str | None
    sender_name: str | None
    sender_phone: str | None
    vapid_public_key: str | None
    created_at: datetime
    updated_at: datetime


def evolve(row: IntegrationRow | None, envelope: Envelope) -> IntegrationRow | None:
    """Return the row after *envelope*; None once the integration is deleted."""
    event = envelope.event
    match event:
        case IntegrationCreated():
            return created_row(event, envelope)
        case IntegrationToggled():
            return row and replace(
                row, version=envelope.version, updated_at=envelope.at, is_active=event.is_active
            )
        case IntegrationDeleted():
            return None
        case _:
            assert_never(event)


def created_row(event: IntegrationCreated, envelope: Envelope) -> IntegrationRow:
    """Return the first row of an integration."""
    return IntegrationRow(
        workspace_id=envelope.workspace,
        id=envelope.stream,
        version=envelope.version,
        name=event.name,
        type=event.type,
        channel=event.channel,
        is_active=event.is_active,
        sender_email=event.sender_email,
        sender_name=event.sender_name,
        sender_phone=event.sender_phone,
        vapid_public_key=event.vapid_public_key,
        created_at=envelope.at,
        updated_at=envelope.at,
    )


integration_view = Projection("integration_view", 1, IntegrationRow, evolve)
