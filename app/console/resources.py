"""What the API shows, as far as pages need it."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct


class Actor(Struct, frozen=True):
    """Who did something."""

    id: str
    name: str | None = None
    email: str | None = None

    @property
    def label(self) -> str:
        """The name, or else the email address, or else the id."""
        return self.name or self.email or self.id


class Whoami(Struct, rename="camel", frozen=True):
    """Who the token of the session speaks for."""

    actor: Actor
    workspace_id: str
    permissions: frozenset[str]
    expires_at: str


class Integration(Struct, rename="camel", frozen=True):
    """One connection, without its secrets."""

    id: str
    name: str
    type: str
    channel: str
    is_active: bool
    created_at: str
    updated_at: str
    sender_email: str | None = None
    sender_name: str | None = None
    sender_phone: str | None = None
    vapid_public_key: str | None = None
    settings: Mapping[str, str] = {}

    @property
    def sender(self) -> str | None:
        """Who messages are from, as far as it is known."""
        return self.sender_email or self.sender_phone or self.sender_name

    @property
    def values(self) -> dict[str, str]:
        """What forms hold of it, by the names of fields; what is not set has none."""
        fields = {
            "name": self.name,
            "senderEmail": self.sender_email,
            "senderName": self.sender_name,
            "senderPhone": self.sender_phone,
            "vapidPublicKey": self.vapid_public_key,
            **{f"settings.{name}": value for name, value in self.settings.items()},
        }
        return {name: value for name, value in fields.items() if value}


class Condition(Struct, frozen=True):
    """Holds if the value of `field` has the whole `format`."""

    field: str
    format: str

    @property
    def prefix(self) -> str:
        """What such a value begins with, if that is all that its format says."""
        prefix = self.format.removesuffix(".*")
        return prefix if prefix.isalnum() else ""


class Credential(Struct, rename="camel", frozen=True):
    """What is known of a secret: its version, and since when and by whom it is set."""

    field: str
    is_set: bool
    version: int | None = None
    set_at: str | None = None
    set_by: Actor | None = None


class Credentials(Struct, frozen=True):
    """What is known of the secrets of a connection."""

    credentials: tuple[Credential, ...]


class TypeField(Struct, rename="camel", frozen=True):
    """A field that the provider uses."""

    name: str
    kind: str
    label: str
    help: str
    example: str
    secret: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    required_when: Condition | None = None


class IntegrationType(Struct, rename="camel", frozen=True):
    """A provider: what a form asks for."""

    type: str
    channel: str
    display_name: str
    fields: tuple[TypeField, ...]
    settings: tuple[TypeField, ...]
    checkable: bool
    guide: str | None = None
    deprecated: str | None = None
    senders: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its fields and settings, by the names that forms give them."""
        settings = {f"settings.{each.name}": each.label for each in self.settings}
        return {each.name: each.label for each in self.fields} | settings

    @property
    def asks(self) -> bool:
        """Whether a check asks the provider; a pair of keys is only compared."""
        return "vapidPrivateKey" not in self.labels

    def missing(self, integration: Integration, stored: Iterable[str]) -> set[str]:
        """Return the required fields that *integration* lacks; *stored* are its secrets."""
        required = {each.name for each in self.fields if each.required}
        return required.difference(stored, integration.values)


class StoredCredentials(Struct, rename="camel", frozen=True):
    """The secret fields of a connection that are set."""

    integration_id: str
    fields: tuple[str, ...]


class Change(Struct, rename={"before": "from", "after": "to"}, frozen=True):
    """A public field before and after; None is nothing."""

    before: Any
    after: Any


class SecretVersion(Struct, frozen=True):
    """A secret, by field and number alone."""

    field: str
    version: int


class Details(Struct, rename="camel", frozen=True):
    """What an entry of the history holds, by its action."""

    changes: Mapping[str, Change] = {}
    credentials: tuple[SecretVersion, ...] = ()
    destroyed: tuple[SecretVersion, ...] = ()
    outcome: str | None = None
    detail: str | None = None


class HistoryEntry(Struct, rename="camel", frozen=True):
    """What somebody did."""

    resource_type: str
    resource_id: str
    resource_name: str
    action: str
    details: Details
    performed_by: Actor
    ip_address: str | None
    position: int
    created_at: str


class EventProof(Struct, frozen=True):
    """An event that is proved."""

    position: int


class Proofs(Struct, rename="camel", frozen=True):
    """Which events the newest checkpoint proves; without one, none."""

    tree_size: int = 0
    proofs: tuple[EventProof, ...] = ()
    not_signed: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()

    def state(self, position: int) -> str:
        """Return what is known of the event at *position*."""
        if any(proof.position == position for proof in self.proofs):
            return "proved"
        return "notSigned" if position in self.not_signed else "failed"


class Checkpoint(Struct, rename="camel", frozen=True):
    """The newest checkpoint: what is signed, the note, and the key that verifies it."""

    checkpoint: str
    verifier_key: str
    key_changes: tuple[str, ...]
    size: int
    root: str


class Consistency(Struct, rename="camel", frozen=True):
    """Between which roots the service proves that the log was only appended to."""

    from_root: str
    to_root: str


class Access(Struct, rename="camel", frozen=True):
    """What a worker asked for, and what came of it."""

    integration_id: str
    actor: Actor
    credentials: tuple[SecretVersion, ...]
    outcome: str
    created_at: str
    purpose: str | None = None
    ip_address: str | None = None


class ChannelDefault(Struct, rename="camel", frozen=True):
    """The connection that a channel is sent with; `state` is that of the connection now."""

    channel: str
    integration_id: str
    state: str
    version: int
    chosen_at: str
