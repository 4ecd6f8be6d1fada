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
    """One integration; the columns of the table `integration_view`, by the same names.

    `name_key` is what names are sorted by, and `search_text` what is searched: folded here, so
    that no database's locale has a say (Unicode's case folding).
    """

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
    name_key: str
    search_text: str


def evolve(row: IntegrationRow | None, envelope: Envelope) -> IntegrationRow | None:
    """Return the row after *envelope*; None once the integration is deleted."""
    match envelope.event:
        case IntegrationCreated() as event:
            return created_row(event, envelope)
        case IntegrationDeleted():
            return None
        case _:
            return row and changed_row(row, envelope.event, envelope)


def changed_row(row: IntegrationRow, event: ChangingEvent, envelope: Envelope) -> IntegrationRow:
    """Return *row* after an event that left the integration in place."""
    match event:
        case CredentialsChecked():  # being checked is no change
            return replace(row, version=envelope.version)
        case CredentialsReplaced():
            return replace(row, version=envelope.version, updated_at=envelope.at)
        case IntegrationRenamed() | SenderChanged():
            return with_keys(with_columns(row, event, envelope))
        case _:
            return with_columns(row, event, envelope)


def with_columns(
    row: IntegrationRow,
    event: IntegrationRenamed | SenderChanged | VapidPublicKeyChanged | IntegrationToggled,
    envelope: Envelope,
) -> IntegrationRow:
    """Return *row* with the fields of *event*, which are columns by the same names."""
    return replace(row, version=envelope.version, updated_at=envelope.at, **asdict(event))


def created_row(event: IntegrationCreated, envelope: Envelope) -> IntegrationRow:
    """Return the first row of an integration."""
    row = IntegrationRow(
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
        name_key="",
        search_text="",
    )
    return with_keys(row)


def with_keys(row: IntegrationRow) -> IntegrationRow:
    """Return *row* with what it is sorted by and found by."""
    shown = (row.name, row.sender_email, row.sender_name, row.sender_phone)
    text = "\n".join(filter(None, shown)).casefold()
    return replace(row, name_key=row.name.casefold(), search_text=text)


integration_view = Projection("integration_view", 1, IntegrationRow, evolve)
