"""A change as the feed shows it: a CloudEvent, without names, addresses, people and secrets.

Which integration changed, how, and its version then, or which one is the default of a channel now:
who may see more reads it, and a worker leases again. What an event does not say is left
out: the same position shows the same bytes for ever.
"""

from typing import Annotated, Literal, assert_never

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.json import Encoder

from domain.channel_default import DefaultChosen, DefaultCleared, channel_of
from domain.envelope import RecordedEvent
from domain.integration import (
    Channel,
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
    SecretField,
    SenderChanged,
    SettingsChanged,
    VapidPublicKeyChanged,
)

encoder = Encoder()


class ChangedCredential(Struct):
    """A secret, by its field and version; after a change that destroys it, its last version."""

    field: SecretField
    version: int


class ChangeData(Struct, rename="camel", kw_only=True):
    """What changed; `isActive` and `credentials` only if the event says them.

    Of a default: its `channel`, and the `integrationId` that is chosen, if one is.
    """

    integration_id: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    channel: Channel | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    credentials: list[ChangedCredential] | UnsetType = UNSET


class Change(Struct, kw_only=True):
    """A CloudEvent 1.0; its `id` is the position in the log, and `type` names the event."""

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Meta(pattern="^[1-9][0-9]*$")]
    source: Annotated[str, Meta(pattern="^/workspaces/[A-Za-z0-9_-]+/integrations$")]
    type: Annotated[str, Meta(pattern=r"^integrations\.[A-Za-z]+\.v1$")]
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: ChangeData


def encode_change(event: RecordedEvent) -> bytes:
    """Return the CloudEvent of *event*, one line of JSON."""
    change = Change(
        id=str(event.position),
        source=f"/workspaces/{event.workspace}/integrations",
        type=f"integrations.{type(event.event).__name__}.v1",
        subject=subject_of(event),
        time=event.at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z",
        data=change_data(event),
    )
    return encoder.encode(change)


def subject_of(recorded: RecordedEvent) -> str:
    """Return what *recorded* is about: an integration, by its id, or a channel."""
    is_default = isinstance(recorded.event, DefaultChosen | DefaultCleared)
    return f"channel/{channel_of(recorded.stream)}" if is_default else recorded.stream


def change_data(recorded: RecordedEvent) -> ChangeData:
    """Return what the feed says of *recorded*; a new event needs a case here."""
    stream, version, event = recorded.stream, recorded.version, recorded.event
    data = ChangeData(integration_id=stream, version=version)
    match event:
        case IntegrationCreated(is_active=is_active, credentials=credentials):
            data.is_active, data.credentials = is_active, changed_credentials(credentials)
        case IntegrationToggled(is_active=is_active):
            data.is_active = is_active
        case (
            CredentialsReplaced(credentials=credentials)
            | CredentialsDestroyed(credentials=credentials)
        ):
            data.credentials = changed_credentials(credentials)
        case (
            IntegrationRenamed()
            | SenderChanged()
            | VapidPublicKeyChanged()
            | SettingsChanged()
            | CredentialsChecked()
            | IntegrationDeleted()
        ):
            pass
        case DefaultChosen(integration_id=chosen):
            return ChangeData(channel=channel_of(stream), integration_id=chosen)
        case DefaultCleared():
            return ChangeData(channel=channel_of(stream))
        case _:
            assert_never(event)
    return data


def changed_credentials(credentials: tuple[Credential, ...]) -> list[ChangedCredential]:
    """Return *credentials* without what proves them."""
    return [ChangedCredential(each.field, each.version) for each in credentials]
