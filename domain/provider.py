"""What a provider type is: its channel, the fields and settings it knows, and their values."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from domain.integration import Channel

ProviderFieldName = Literal[
    "apiKey",
    "apiSecret",
    "senderEmail",
    "senderName",
    "senderPhone",
    "vapidPublicKey",
    "vapidPrivateKey",
]
SenderKind = Literal["e164", "short-code", "alphanumeric", "whatsapp"]


class FieldCondition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holds if the value of `field` has the whole `format`, a regular expression."""

    field: ProviderFieldName
    format: str


class Lookalike(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that is often given by mistake: `pattern`, a regular expression, is found in it.

    `message` says in English what it is and what to do.
    """

    pattern: str
    message: str


class FieldLookalike(Lookalike, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that is often given for a field by mistake; always, or next to another, `when`."""

    when: FieldCondition | None = None


class ProviderField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that a provider uses; `format` is a regular expression for the whole value.

    A value of another format is accepted with a warning, as providers change theirs. `required`
    says that the provider does nothing without it. `label` and `help` are English, for people;
    `example` is made up, and of the format. A `document` is the text of a file: it may hold spaces
    and line breaks, and come encoded or in quotes. A value of the whole `public_format` is the id
    of an account, which everybody may see, and no secret.
    """

    format: str | None = None
    public_format: str | None = None
    required: bool = False
    label: str
    help: str
    example: str
    document: bool = False
    lookalikes: Sequence[FieldLookalike] = ()


class ProviderSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public value that a provider needs in addition to the fields; another value is an error.

    It is one of `choices`, or has the whole `format`, a regular expression, and is none of the
    `lookalikes`; neither: any text. `required_when` says for which credentials the provider does
    nothing without it. `other_examples` are of further forms that it may have. The rest is as for a
    field.
    """

    choices: Sequence[str] = ()
    format: str | None = None
    lookalikes: Sequence[Lookalike] = ()
    required_when: FieldCondition | None = None
    label: str
    help: str
    example: str
    other_examples: Sequence[str] = ()


class Provider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider type; `fields` are by the names of the HTTP API, `settings` by their own.

    `guide` is the page of the provider on how to make credentials, None if it makes none.
    `deprecated` says in English what the provider ended, None if it continues. `senders` are the
    kinds of senderPhone that it takes, `sender_ids` patterns of senders of its own, by name.
    """

    type: str
    channel: Channel
    name: str
    fields: Mapping[ProviderFieldName, ProviderField]
    settings: Mapping[str, ProviderSetting] = {}
    guide: str | None = None
    deprecated: str | None = None
    senders: tuple[SenderKind, ...] = ("e164", "short-code", "alphanumeric")
    sender_ids: Mapping[str, str] = {}


Providers = Mapping[str, Provider]
"""All provider types by `type`."""
