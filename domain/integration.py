"""The aggregate Integration: one connection of one workspace to one provider."""

from collections.abc import Iterator, Mapping
from typing import Literal, assert_never, get_args

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.decider import Decider
from domain.errors import IntegrationAlreadyExistsError, IntegrationNotFoundError
from domain.message import Command, Event

Channel = Literal["EMAIL", "SMS", "PUSH"]
SecretField = Literal["apiKey", "apiSecret", "vapidPrivateKey"]
SECRET_FIELDS: tuple[SecretField, ...] = get_args(SecretField)
Outcome = Literal["ok", "invalid", "insufficient", "retired", "inconclusive"]
Settings = Mapping[str, str]
"""What else a provider needs to know and everybody may see, by the names of its file."""


class Credential(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a sealed secret is stored and what it was sealed as; nothing of the secret itself.

    Workspace and stream are those of the event. `version` counts the secrets of its field from
    1; `kek` is the key epoch it was first sealed under; `commitment` is the hex SHA-256 over
    AAD, nonce and ciphertext.
    """

    field: SecretField
    version: int
    kek: str
    commitment: str


# ----- Commands -----
class CreateIntegration(Command, frozen=True, kw_only=True):
    """Add a connection to a provider."""

    name: str
    type: str
    channel: Channel
    is_active: bool = True
    sender_email: str | None = None
    sender_name: str | None = None
    sender_phone: str | None = None
    vapid_public_key: str | None = None
    settings: Settings | None = None
    credentials: tuple[Credential, ...] = ()


class ChangeIntegration(Command, frozen=True, kw_only=True):
    """Set what is given; UNSET changes nothing, None clears."""

    name: str | UnsetType = UNSET
    sender_email: str | UnsetType | None = UNSET
    sender_name: str | UnsetType | None = UNSET
    sender_phone: str | UnsetType | None = UNSET
    vapid_public_key: str | UnsetType | None = UNSET
    settings: Settings | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class ToggleIntegration(Command, frozen=True, kw_only=True):
    """Switch the integration on or off."""

    is_active: bool


class ReplaceCredentials(Command, frozen=True, kw_only=True):
    """Put new secrets in place of those of the same fields; other fields keep theirs.

    The secrets of the `destroyed` fields go, and no new ones come; a public key of None goes too.
    """

    credentials: tuple[Credential, ...]
    destroyed: tuple[SecretField, ...] = ()
    vapid_public_key: str | UnsetType | None = UNSET


class RecordCredentialsCheck(Command, frozen=True, kw_only=True):
    """Keep what a provider said of the credentials."""

    outcome: Outcome
    detail: str
    latency_ms: int
    region: str | None = None


class DeleteIntegration(Command, frozen=True, kw_only=True):
    """Remove the integration and destroy its secrets."""


IntegrationCommand = (
    CreateIntegration
    | ChangeIntegration
    | ToggleIntegration
    | ReplaceCredentials
    | RecordCredentialsCheck
    | DeleteIntegration
)


# ----- Events -----
class IntegrationCreated(Event, frozen=True, kw_only=True):
    """The integration was added."""

    name: str
    type: str
    channel: Channel
    is_active: bool
    sender_email: str | None = None
    sender_name: str | None = None
    sender_phone: str | None = None
    vapid_public_key: str | None = None
    credentials: tuple[Credential, ...] = ()
    settings: Settings | None = None


class IntegrationRenamed(Event, frozen=True, kw_only=True):
    """The integration has another name."""

    name: str


class SenderChanged(Event, frozen=True, kw_only=True):
    """Messages are sent from somebody else; all three fields are as they are now."""

    sender_email: str | None
    sender_name: str | None
    sender_phone: str | None


class VapidPublicKeyChanged(Event, frozen=True, kw_only=True):
    """The integration has another VAPID public key, or none any more."""

    vapid_public_key: str | None


class SettingsChanged(Event, frozen=True, kw_only=True):
    """The integration has other settings, or none any more; all are as they are now."""

    settings: Settings | None


class IntegrationToggled(Event, frozen=True, kw_only=True):
    """The integration was switched on or off."""

    is_active: bool


class CredentialsReplaced(Event, frozen=True, kw_only=True):
    """New secrets were put in place of those of the same fields, which are destroyed."""

    credentials: tuple[Credential, ...]


class CredentialsDestroyed(Event, frozen=True, kw_only=True):
    """Secrets were destroyed without new ones in their place; these are what they were."""

    credentials: tuple[Credential, ...]


class CredentialsChecked(Event, frozen=True, kw_only=True):
    """The credentials were checked; `detail` is our text, `region` knows them if it is not null."""

    outcome: Outcome
    detail: str
    latency_ms: int
    region: str | None = None


class IntegrationDeleted(Event, frozen=True, kw_only=True):
    """The integration was removed and its secrets were destroyed."""


IntegrationEvent = (
    IntegrationCreated
    | IntegrationRenamed
    | SenderChanged
    | VapidPublicKeyChanged
    | SettingsChanged
    | IntegrationToggled
    | CredentialsReplaced
    | CredentialsDestroyed
    | CredentialsChecked
    | IntegrationDeleted
)


# ----- State -----
class Sender(Struct, frozen=True, kw_only=True):
    """The sender of messages."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None


class Integration(Struct, frozen=True, kw_only=True):
    """What decisions need to know of an integration.

    `destroyed_versions` has the version of the last destroyed secret of each field: none is used
    again.
    """

    exists: bool = False
    is_deleted: bool = False
    name: str = ""
    type: str = ""
    is_active: bool = False
    sender: Sender = Sender()
    vapid_public_key: str | None = None
    settings: Settings | None = None
    credentials: tuple[Credential, ...] = ()
    destroyed_versions: Mapping[SecretField, int] = {}


def evolve(integration: Integration, event: IntegrationEvent) -> Integration:  # noqa: C901, PLR0911 — a case an event
    """Return *integration* as it is after *event*."""
    match event:
        case IntegrationCreated():
            return from_created(event)
        case IntegrationRenamed(name=name):
            return replace(integration, name=name)
        case SenderChanged(sender_email=email, sender_name=name, sender_phone=phone):
            return replace(integration, sender=Sender(email=email, name=name, phone=phone))
        case VapidPublicKeyChanged(vapid_public_key=key):
            return replace(integration, vapid_public_key=key)
        case SettingsChanged(settings=settings):
            return replace(integration, settings=settings)
        case IntegrationToggled(is_active=is_active):
            return replace(integration, is_active=is_active)
        case CredentialsReplaced(credentials=new):
            return replace(integration, credentials=merge_credentials(integration.credentials, new))
        case CredentialsDestroyed(credentials=old):
            return without_credentials(integration, old)
        case CredentialsChecked():
            return integration
        case IntegrationDeleted():
            return Integration(is_deleted=True)
        case _:
            assert_never(event)


def from_created(event: IntegrationCreated) -> Integration:
    """Return the new integration of *event*."""
    return Integration(
        exists=True,
        name=event.name,
        type=event.type,
        is_active=event.is_active,
        sender=Sender(email=event.sender_email, name=event.sender_name, phone=event.sender_phone),
        vapid_public_key=event.vapid_public_key,
        settings=event.settings,
        credentials=event.credentials,
    )


def merge_credentials(
    old: tuple[Credential, ...], new: tuple[Credential, ...]
) -> tuple[Credential, ...]:
    """Return *old* with those of the same fields replaced by *new*."""
    return tuple(({c.field: c for c in old} | {c.field: c for c in new}).values())


def without_credentials(integration: Integration, old: tuple[Credential, ...]) -> Integration:
    """Return *integration* without the secrets *old*, whose versions stay used."""
    versions = {credential.field: credential.version for credential in old}
    return replace(
        integration,
        credentials=tuple(c for c in integration.credentials if c.field not in versions),
        destroyed_versions={**integration.destroyed_versions, **versions},
    )


def next_version(integration: Integration, field: SecretField) -> int:
    """Return the version of the next secret of *field*: no number is used twice."""
    stored = [c.version for c in integration.credentials if c.field == field]
    return max([*stored, integration.destroyed_versions.get(field, 0)]) + 1


# ----- Decisions -----
def decide(command: IntegrationCommand, integration: Integration) -> list[IntegrationEvent]:
    """Return the events of *command*; none if nothing changes.

    Raises:
        IntegrationNotFoundError: the integration never was, or was deleted.
        IntegrationAlreadyExistsError: the id of a new integration is taken.
    """
    if isinstance(command, CreateIntegration):
        require_new(integration)
        return [created_event(command)]
    require_existing(integration)
    match command:
        case ChangeIntegration():
            return list(change_events(command, integration))
        case ToggleIntegration(is_active=wanted):
            return list(toggle_events(wanted, integration))
        case ReplaceCredentials():
            return list(credential_events(command, integration))
        case RecordCredentialsCheck():
            return [checked_event(command)]
        case DeleteIntegration():
            return [IntegrationDeleted()]
        case _:
            assert_never(command)


def checked_event(command: RecordCredentialsCheck) -> CredentialsChecked:
    """Return the event of *command*."""
    return CredentialsChecked(
        outcome=command.outcome,
        detail=command.detail,
        latency_ms=command.latency_ms,
        region=command.region,
    )


def require_new(integration: Integration) -> None:
    """Raise IntegrationAlreadyExistsError if the id has been used."""
    if integration.exists or integration.is_deleted:
        raise IntegrationAlreadyExistsError


def require_existing(integration: Integration) -> None:
    """Raise IntegrationNotFoundError if the integration is not there."""
    if not integration.exists:
        raise IntegrationNotFoundError


def created_event(command: CreateIntegration) -> IntegrationCreated:
    """Return the event of *command*."""
    return IntegrationCreated(
        name=command.name,
        type=command.type,
        channel=command.channel,
        is_active=command.is_active,
        sender_email=command.sender_email,
        sender_name=command.sender_name,
        sender_phone=command.sender_phone,
        vapid_public_key=command.vapid_public_key,
        settings=command.settings,
        credentials=command.credentials,
    )


def change_events(
    command: ChangeIntegration, integration: Integration
) -> Iterator[IntegrationEvent]:
    """Yield an event for each part that *command* makes different."""
    if command.name not in (UNSET, integration.name):
        yield IntegrationRenamed(name=command.name)
    sender = merge_sender(command, integration.sender)
    if sender != integration.sender:
        yield SenderChanged(
            sender_email=sender.email, sender_name=sender.name, sender_phone=sender.phone
        )
    yield from vapid_key_events(command.vapid_public_key, integration)
    if command.settings not in (UNSET, integration.settings):
        yield SettingsChanged(settings=command.settings)
    if command.is_active is not UNSET:
        yield from toggle_events(command.is_active, integration)


def merge_sender(command: ChangeIntegration, sender: Sender) -> Sender:
    """Return *sender* with what *command* sets."""
    return Sender(
        email=sender.email if command.sender_email is UNSET else command.sender_email,
        name=sender.name if command.sender_name is UNSET else command.sender_name,
        phone=sender.phone if command.sender_phone is UNSET else command.sender_phone,
    )


def vapid_key_events(
    wanted: str | UnsetType | None, integration: Integration
) -> Iterator[VapidPublicKeyChanged]:
    """Yield an event if the VAPID public key is to be another."""
    if wanted is not UNSET and wanted != integration.vapid_public_key:
        yield VapidPublicKeyChanged(vapid_public_key=wanted)


def toggle_events(wanted: bool, integration: Integration) -> Iterator[IntegrationToggled]:  # noqa: FBT001 — the state itself
    """Yield an event if the integration is to be switched."""
    if wanted is not integration.is_active:
        yield IntegrationToggled(is_active=wanted)


def credential_events(
    command: ReplaceCredentials, integration: Integration
) -> Iterator[IntegrationEvent]:
    """Yield what replaces and destroys secrets, and the public key that may come with them."""
    gone = {*command.destroyed} - {new.field for new in command.credentials}
    if old := tuple(c for c in integration.credentials if c.field in gone):
        yield CredentialsDestroyed(credentials=old)
    if command.credentials:
        yield CredentialsReplaced(credentials=command.credentials)
    yield from vapid_key_events(command.vapid_public_key, integration)


decider: Decider[IntegrationCommand, IntegrationEvent, Integration] = Decider(
    initial=Integration(), decide=decide, evolve=evolve, version=3
)
