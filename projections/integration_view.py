"""List and get: each integration as everybody may see it, without secrets."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.envelope import Envelope
from domain.integration import (
    Channel,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
    Settings,
    SettingsChanged,
    VapidPublicKeyChanged,
)
from domain.message import Event
from projections.projection import Projection
from projections.search_text import decode_domains, normalize_for_search, sort_key


class IntegrationRow(Struct, frozen=True):
    """One integration; the columns of the table `integration_view`, by the same names.

    `version` is that of the last event that changed what the row shows: it is the ETag, and a
    later event, such as a check, may stand in the stream.
    `name_key` is what names are sorted by, and `search_text` what is searched: folded here, so
    that no database's locale has a say (projections/search_text.py).
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
    settings: Settings | None
    created_at: datetime
    updated_at: datetime
    name_key: str
    search_text: str


Handler = Callable[[IntegrationRow, Any, Envelope], IntegrationRow | None]
"""Returns a row after an event of one type."""


def evolve(row: IntegrationRow | None, envelope: Envelope) -> IntegrationRow | None:
    """Return the row after *envelope*; None once the integration is deleted."""
    event = envelope.event
    if type(event) is IntegrationCreated:
        return apply_created(event, envelope)
    return row and HANDLERS[type(event)](row, event, envelope)


def apply_created(event: IntegrationCreated, envelope: Envelope) -> IntegrationRow:
    """Return the first row of an integration."""
    shown = (event.name, event.sender_email, event.sender_name, event.sender_phone)
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
        settings=event.settings,
        created_at=envelope.at,
        updated_at=envelope.at,
        name_key=sort_key(event.name),
        search_text=search_text(shown),
    )


def apply_renamed(
    row: IntegrationRow, event: IntegrationRenamed, envelope: Envelope
) -> IntegrationRow:
    """Return *row* under its new name."""
    return replace(
        row,
        version=envelope.version,
        updated_at=envelope.at,
        name=event.name,
        name_key=sort_key(event.name),
        search_text=search_text((event.name, row.sender_email, row.sender_name, row.sender_phone)),
    )


def apply_sender_changed(
    row: IntegrationRow, event: SenderChanged, envelope: Envelope
) -> IntegrationRow:
    """Return *row* with its new sender."""
    return replace(
        row,
        version=envelope.version,
        updated_at=envelope.at,
        sender_email=event.sender_email,
        sender_name=event.sender_name,
        sender_phone=event.sender_phone,
        search_text=search_text(
            (row.name, event.sender_email, event.sender_name, event.sender_phone)
        ),
    )


def apply_vapid_key_changed(
    row: IntegrationRow, event: VapidPublicKeyChanged, envelope: Envelope
) -> IntegrationRow:
    """Return *row* with its new public key."""
    key = event.vapid_public_key
    return replace(row, version=envelope.version, updated_at=envelope.at, vapid_public_key=key)


def apply_settings_changed(
    row: IntegrationRow, event: SettingsChanged, envelope: Envelope
) -> IntegrationRow:
    """Return *row* with its new settings."""
    return replace(row, version=envelope.version, updated_at=envelope.at, settings=event.settings)


def apply_toggled(
    row: IntegrationRow, event: IntegrationToggled, envelope: Envelope
) -> IntegrationRow:
    """Return *row* switched on or off."""
    return replace(row, version=envelope.version, updated_at=envelope.at, is_active=event.is_active)


def apply_credentials_changed(
    row: IntegrationRow, _: CredentialsReplaced | CredentialsDestroyed, envelope: Envelope
) -> IntegrationRow:
    """Return *row* after a change that it does not show."""
    return replace(row, version=envelope.version, updated_at=envelope.at)


def keep_row(row: IntegrationRow, _: CredentialsChecked, __: Envelope) -> IntegrationRow:
    """Return *row* itself: nothing that it shows has changed, so its version stays too."""
    return row


def apply_deleted(_: IntegrationRow, __: IntegrationDeleted, ___: Envelope) -> None:
    """Return no row."""


HANDLERS: dict[type[Event], Handler] = {
    IntegrationRenamed: apply_renamed,
    SenderChanged: apply_sender_changed,
    VapidPublicKeyChanged: apply_vapid_key_changed,
    SettingsChanged: apply_settings_changed,
    IntegrationToggled: apply_toggled,
    CredentialsReplaced: apply_credentials_changed,
    CredentialsDestroyed: apply_credentials_changed,
    CredentialsChecked: keep_row,
    IntegrationDeleted: apply_deleted,
}
"""By type, as a `match` tests each class in turn, which costs a rebuild more than the change."""


def search_text(shown: Iterable[str | None]) -> str:
    """Return what an integration is found by: what is *shown* of it, folded.

    A domain in punycode is there in its own script, too.
    """
    folded = [*map(normalize_for_search, filter(None, shown))]
    return "\n".join(dict.fromkeys((*folded, *map(decode_domains, folded))))


integration_view = Projection("integration_view", 10, IntegrationRow, evolve)


# ----- Counts: how many integrations of each type and state -----
CountKey = tuple[str, bool]  # type, is_active


def count_deltas(
    before: IntegrationRow | None, after: IntegrationRow | None
) -> Iterator[tuple[CountKey, int]]:
    """Yield which counts grow or fall by one when the row *before* becomes *after*."""
    old, new = count_key(before), count_key(after)
    if old == new:
        return
    if old is not None:
        yield old, -1
    if new is not None:
        yield new, 1


def count_key(row: IntegrationRow | None) -> CountKey | None:
    """Return what *row* is counted under."""
    return None if row is None else (row.type, row.is_active)
