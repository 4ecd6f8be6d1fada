"""List and get: each integration as everybody may see it, without secrets."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict, replace

from domain.integration import (
    Channel,
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
from projections.projection import Projection

ChangingEvent = (
    IntegrationRenamed
    | SenderChanged
    | VapidPublicKeyChanged
    | IntegrationToggled
    | CredentialsReplaced
    | CredentialsChecked
)


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
    match envelope.event:
        case IntegrationCreated() as event:
            return created_row(event, envelope)
        case IntegrationDeleted():
            return None
        case _:
            changed = changed_columns(envelope.event) | {"version": envelope.version}
            return row and replace(row, **changed, updated_at=updated_at(row, envelope))


def updated_at(row: IntegrationRow, envelope: Envelope) -> datetime:
    """Return when the integration was last changed; being checked is no change."""
    return row.updated_at if isinstance(envelope.event, CredentialsChecked) else envelope.at


def changed_columns(event: ChangingEvent) -> dict[str, object]:
    """Return the columns that *event* changes, beside version and time."""
    if isinstance(event, CredentialsReplaced | CredentialsChecked):
        return {}
    return asdict(event)  # the fields of the other events are columns by the same names


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
