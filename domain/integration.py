"""The aggregate Integration: one connection of one workspace to one provider."""

from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.decider import Decider
from domain.errors import AlreadyExistsError, NotFoundError
from domain.message import Command, Event

Channel = Literal["EMAIL", "SMS", "PUSH"]
SecretField = Literal["apiKey", "apiSecret", "vapidPrivateKey"]


class Credential(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a sealed secret is kept and what it was sealed as; nothing of the secret itself.

    Workspace and stream are those of the event. `kek` is the key epoch it was first sealed
    under; `commitment` is the hex SHA-256 over AAD, nonce and ciphertext.
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
    credentials: tuple[Credential, ...] = ()


class ToggleIntegration(Command, frozen=True, kw_only=True):
    """Switch the integration on or off."""

    is_active: bool


class DeleteIntegration(Command, frozen=True, kw_only=True):
    """Remove the integration and destroy its secrets."""


IntegrationCommand = CreateIntegration | ToggleIntegration | DeleteIntegration


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


class IntegrationToggled(Event, frozen=True, kw_only=True):
    """The integration was switched on or off."""

    is_active: bool


class IntegrationDeleted(Event, frozen=True, kw_only=True):
    """The integration was removed and its secrets were destroyed."""


IntegrationEvent = IntegrationCreated | IntegrationToggled | IntegrationDeleted


# ----- State -----
class Integration(Struct, frozen=True, kw_only=True):
    """What decisions need to know of an integration."""

    exists: bool = False
    was_deleted: bool = False
    is_active: bool = False
    credentials: tuple[Credential, ...] = ()


def evolve(integration: Integration, event: IntegrationEvent) -> Integration:
    """Return *integration* as it is after *event*."""
    match event:
        case IntegrationCreated():
            return Integration(
                exists=True, is_active=event.is_active, credentials=event.credentials
            )
        case IntegrationToggled():
            return replace(integration, is_active=event.is_active)
        case IntegrationDeleted():
            return Integration(was_deleted=True)
        case _:
            assert_never(event)


# ----- Decisions -----
def decide(command: IntegrationCommand, integration: Integration) -> list[IntegrationEvent]:
    """Answer *command*; no events means it already is so.

    Raises:
        NotFoundError: the integration never was, or was deleted.
        AlreadyExistsError: the id of a new integration is taken.
    """
    match command:
        case CreateIntegration():
            require_new(integration)
            return [created_from(command)]
        case ToggleIntegration(is_active=wanted):
            require_existing(integration)
            return [] if integration.is_active is wanted else [IntegrationToggled(is_active=wanted)]
        case DeleteIntegration():
            require_existing(integration)
            return [IntegrationDeleted()]
        case _:
            assert_never(command)


def created_from(command: CreateIntegration) -> IntegrationCreated:
    """Return the event that tells what *command* asked for."""
    return IntegrationCreated(
        name=command.name,
        type=command.type,
        channel=command.channel,
        is_active=command.is_active,
        sender_email=command.sender_email,
        sender_name=command.sender_name,
        sender_phone=command.sender_phone,
        vapid_public_key=command.vapid_public_key,
        credentials=command.credentials,
    )


def require_new(integration: Integration) -> None:
    """Raise AlreadyExistsError where the id has been used."""
    if integration.exists or integration.was_deleted:
        raise AlreadyExistsError


def require_existing(integration: Integration) -> None:
    """Raise NotFoundError where the integration is not there."""
    if not integration.exists:
        raise NotFoundError


decider: Decider[IntegrationCommand, IntegrationEvent, Integration] = Decider(
    initial=Integration(), decide=decide, evolve=evolve
)
