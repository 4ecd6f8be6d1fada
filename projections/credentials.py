"""What is stored of an integration's secrets, never what they are: which, since when, by whom."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.envelope import Actor, Envelope
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    SecretField,
    SettingsChanged,
    VapidPublicKeyChanged,
)

CHECKED_PARTS = (CredentialsReplaced, CredentialsDestroyed, VapidPublicKeyChanged, SettingsChanged)
"""The events that change what a check is about."""
CREDENTIAL_EVENTS = (IntegrationCreated, *CHECKED_PARTS, IntegrationDeleted)
"""The events that are folded here, but for checks, of which the newest is enough."""


class StoredSecret(Struct, frozen=True):
    """A secret that is stored: the version of its field, and when and by whom it was set."""

    version: int
    set_at: datetime
    set_by: Actor


class NewestCheck(Struct, frozen=True):
    """What the newest check found; `is_current` until what it is about changes."""

    found: CredentialsChecked
    checked_at: datetime
    is_current: bool = True


class CredentialsStatus(Struct, frozen=True):
    """The secrets of an integration of a provider `type`, by their fields, and the newest check."""

    type: str
    secrets: Mapping[SecretField, StoredSecret]
    check: NewestCheck | None = None


def credentials_status(events: Iterable[Envelope]) -> CredentialsStatus | None:
    """Return what *events* of one integration come to; None if it does not exist (any more)."""
    status = None
    for envelope in events:
        status = evolve(status, envelope)
    return status


def evolve(status: CredentialsStatus | None, envelope: Envelope) -> CredentialsStatus | None:
    """Return *status* as it is after *envelope*."""
    event = envelope.event
    if isinstance(event, IntegrationCreated):
        return CredentialsStatus(event.type, stored_secrets(event.credentials, envelope))
    if status is None or isinstance(event, IntegrationDeleted):
        return None
    if isinstance(event, CredentialsChecked):
        return replace(status, check=NewestCheck(event, envelope.at))
    if isinstance(event, CHECKED_PARTS):
        status = replace(status, check=status.check and replace(status.check, is_current=False))
    if isinstance(event, CredentialsReplaced):
        secrets = {**status.secrets, **stored_secrets(event.credentials, envelope)}
        return replace(status, secrets=secrets)
    if isinstance(event, CredentialsDestroyed):
        gone = {credential.field for credential in event.credentials}
        kept = {field: each for field, each in status.secrets.items() if field not in gone}
        return replace(status, secrets=kept)
    return status


def newest_checks(events: Iterable[Envelope]) -> dict[str, NewestCheck]:
    """Return what the *events* that are checks found, by the integration.

    There is at most one of each, and one event after it of `CHECKED_PARTS`.
    """
    found: dict[str, NewestCheck] = {}
    for each in events:
        if isinstance(each.event, CredentialsChecked):
            found[each.stream] = NewestCheck(each.event, each.at)
        elif each.stream in found:
            found[each.stream] = replace(found[each.stream], is_current=False)
    return found


def stored_secrets(
    credentials: Iterable[Credential], envelope: Envelope
) -> dict[SecretField, StoredSecret]:
    """Return *credentials*, which *envelope* set, by their fields."""
    at, actor = envelope.at, envelope.metadata.actor
    return {each.field: StoredSecret(each.version, at, actor) for each in credentials}
