"""The request bodies of the API: fields, rules, and checks across fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from app.http.email_address import BOUNCE_ADDRESS, email
from app.http.errors import FieldFinding
from app.http.field_rules import FieldProblem, Rule, Schema, boolean, choice
from app.http.integrations.examples import (
    CREATE_EXAMPLES,
    CREDENTIALS_EXAMPLES,
    TOGGLE_EXAMPLES,
    UPDATE_EXAMPLES,
)
from app.http.integrations.public_key import public_key
from app.http.integrations.public_text import reject_exposed_secrets, reject_named_secret
from app.http.integrations.settings import find_wrong_settings, settings_rule
from app.http.request_bodies import BodySchema, Values
from app.http.sender_name import sender_name
from app.http.sender_phone import sender_check, sender_rule
from app.http.text_rules import secret, text
from app.http.types import attributes_by_json_name
from app.providers.vapid import is_pasted_pair
from app.secrets.secret import Secret
from domain.integration import SECRET_FIELDS, Channel, SecretField, Settings
from domain.provider import Provider, Providers

CHANNELS = ("EMAIL", "SMS", "PUSH")
MAX_SECRET_LENGTH = 8_192
CHANNEL_MISMATCH = FieldProblem("CHANNEL_MISMATCH", "This type belongs to another channel")
NO_CREDENTIAL = FieldProblem("REQUIRED", "At least one of these fields is required")
SECRET_NOT_CHANGED_HERE = FieldProblem(
    "NOT_CHANGED_HERE", "Secrets are replaced by PUT …/credentials"
)
IMMUTABLE_FIELD = FieldProblem(
    "NOT_CHANGED_HERE", "This cannot be changed; add a new integration instead"
)
SET_BY_SERVICE = FieldProblem("UNKNOWN_FIELD", "The service sets this; it cannot be changed")
NOT_CLEARABLE = FieldProblem(
    "REQUIRED", "This type requires this field: it can be replaced, and not removed"
)
FIELD_MISSING = FieldProblem(
    "FIELD_MISSING", "The provider needs this field; without it the integration does not work"
)
VAPID_MISMATCH = FieldProblem("VAPID_MISMATCH", "The two VAPID keys do not belong together")


Notices = tuple[FieldFinding, ...]
"""Warnings about what reading a body changed; no field of the body itself."""


class CreateIntegrationBody(Struct, rename="camel", kw_only=True):
    """A new integration."""

    name: str
    type: str
    channel: Channel
    api_key: Secret | None = None
    api_secret: Secret | None = None
    sender_email: str | None = None
    sender_name: str | None = None
    sender_phone: str | None = None
    vapid_public_key: str | None = None
    vapid_private_key: Secret | None = None
    settings: Settings | None = None
    is_active: bool = True
    notices: Notices = ()


class UpdateIntegrationBody(Struct, rename="camel", kw_only=True):
    """The fields to change; an absent one stays, null clears."""

    name: str | UnsetType = UNSET
    sender_email: str | UnsetType | None = UNSET
    sender_name: str | UnsetType | None = UNSET
    sender_phone: str | UnsetType | None = UNSET
    vapid_public_key: str | UnsetType | None = UNSET
    settings: Settings | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class ToggleBody(Struct, rename="camel", kw_only=True):
    """On or off."""

    is_active: bool


class ReplaceCredentialsBody(Struct, rename="camel", kw_only=True):
    """New secrets; absent ones stay as they are, null destroys."""

    api_key: Secret | UnsetType | None = UNSET
    api_secret: Secret | UnsetType | None = UNSET
    vapid_private_key: Secret | UnsetType | None = UNSET
    vapid_public_key: str | UnsetType | None = UNSET
    notices: Notices = ()


PUBLIC_RULES: Mapping[str, Rule] = {
    "name": reject_named_secret(text(120, trimmed=True), is_free=True),
    "senderEmail": reject_named_secret(email, allowed=BOUNCE_ADDRESS),
    "senderName": reject_named_secret(sender_name, is_free=True),
    "vapidPublicKey": reject_named_secret(public_key(512)),
    "isActive": boolean,
}
SECRET_RULES: Mapping[str, Rule] = dict.fromkeys(SECRET_FIELDS, secret(MAX_SECRET_LENGTH))


def check_vapid_pair(values: Values) -> Iterable[FieldFinding]:
    """Find a VAPID key pair whose keys both decode and do not match."""
    public, private = values.get("vapidPublicKey"), values.get("vapidPrivateKey")
    if public and private and is_pasted_pair(public, private.reveal_text()) is False:
        yield "vapidPublicKey", VAPID_MISMATCH


def secrets_in(body: Struct) -> Mapping[SecretField, Secret]:
    """Return the secrets in *body*, by the field that each is for."""
    names = attributes_by_json_name(type(body))
    values: dict[SecretField, object] = {
        field: getattr(body, names[field]) for field in SECRET_FIELDS if field in names
    }
    return {field: value for field, value in values.items() if isinstance(value, Secret)}


def cleared_in(body: Struct) -> frozenset[str]:
    """Return the fields that *body*, which may leave out any, clears by null."""
    names = attributes_by_json_name(type(body))
    return frozenset(name for name in names if getattr(body, names[name]) is None)


def public_rules(providers: Providers) -> Mapping[str, Rule]:
    """Return the rules of what everybody sees; senders and settings are those of *providers*."""
    sender = reject_named_secret(sender_rule(providers))
    types = {"senderPhone": sender, "settings": settings_rule(providers)}
    return {**PUBLIC_RULES, **types}


def create_schema(providers: Providers) -> BodySchema[CreateIntegrationBody]:
    """Return the schema of a new integration of one of *providers*."""
    rules = {
        "type": choice(providers),
        "channel": choice(CHANNELS),
        **public_rules(providers),
        **SECRET_RULES,
    }

    def channel_of_type(values: Values) -> Iterable[FieldFinding]:
        channel, provider = values.get("channel"), providers.get(values.get("type", ""))
        if channel and provider and channel != provider.channel:
            yield "channel", CHANNEL_MISMATCH

    def settings_of_type(values: Values) -> Iterable[FieldFinding]:
        provider = providers.get(values.get("type", ""))
        return find_wrong_settings(values.get("settings"), provider) if provider else ()

    of_type = (channel_of_type, settings_of_type, sender_check(providers))
    return BodySchema(
        shape=CreateIntegrationBody,
        rules=rules,
        checks=(*of_type, check_vapid_pair),
        other_endpoint_fields=FIELDS_OF_SERVICE,
        cross_field_schema={"anyOf": [*map(type_schema, providers.values())]},
        examples=CREATE_EXAMPLES,
    )


def type_schema(provider: Provider) -> Schema:
    """Return the JSON Schema of what an integration of *provider* must be."""
    return {
        "properties": {
            "type": {"const": provider.type},
            "channel": {"const": provider.channel},
        }
    }


FIELDS_OF_SERVICE: Mapping[str, FieldProblem] = {
    **dict.fromkeys(("id", "workspaceId", "createdAt", "updatedAt"), SET_BY_SERVICE)
}
FIELDS_OF_OTHER_ENDPOINTS: Mapping[str, FieldProblem] = {
    **dict.fromkeys(SECRET_FIELDS, SECRET_NOT_CHANGED_HERE),
    **dict.fromkeys(("type", "channel"), IMMUTABLE_FIELD),
    **FIELDS_OF_SERVICE,
}
TOGGLE_SCHEMA = BodySchema(shape=ToggleBody, rules={"isActive": boolean}, examples=TOGGLE_EXAMPLES)
CREDENTIALS_SCHEMA = BodySchema(
    shape=ReplaceCredentialsBody,
    rules={"vapidPublicKey": PUBLIC_RULES["vapidPublicKey"], **SECRET_RULES},
    checks=(check_vapid_pair,),
    clearable=frozenset((*SECRET_FIELDS, "vapidPublicKey")),
    if_empty=NO_CREDENTIAL,
    examples=CREDENTIALS_EXAMPLES,
    cross_field_schema={
        "anyOf": [{"required": [name]} for name in (*SECRET_FIELDS, "vapidPublicKey")]
    },
)


def update_schema(providers: Providers) -> BodySchema[UpdateIntegrationBody]:
    """Return the schema of a change of an integration of one of *providers*.

    Its type decides which senders and settings it takes, and is known only once it is loaded.
    """
    rules = public_rules(providers)
    return BodySchema(
        shape=UpdateIntegrationBody,
        rules=rules,
        clearable=frozenset(rules) - {"name", "isActive"},
        null_is_wrong=True,
        other_endpoint_fields=FIELDS_OF_OTHER_ENDPOINTS,
        examples=UPDATE_EXAMPLES,
    )


def build_body_schemas(providers: Providers) -> Mapping[type[Struct], BodySchema[Any]]:
    """Return the schema of each body; integrations may be of *providers*."""
    schemas = (
        create_schema(providers),
        update_schema(providers),
        TOGGLE_SCHEMA,
        CREDENTIALS_SCHEMA,
    )
    exposed_secrets = reject_exposed_secrets(providers)
    return {
        schema.shape: replace(schema, checks=(*schema.checks, exposed_secrets))
        for schema in schemas
    }
