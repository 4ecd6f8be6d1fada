"""What a provider type is: its channel, the fields it knows, and how their values usually look."""

from collections.abc import Mapping

from msgspec import Struct

from domain.integration import Channel


class ProviderField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that a provider uses; `format` is a regular expression for the whole value.

    A value of another format is accepted with a warning, as providers change theirs.
    """

    format: str | None = None


class Provider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider type; `fields` are by the names of the HTTP API."""

    type: str
    channel: Channel
    name: str
    fields: Mapping[str, ProviderField]


Providers = Mapping[str, Provider]
"""All provider types by `type`."""
