"""The request bodies of the API: fields, rules, and checks across fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from app.http.email_address import email
from app.http.errors import FieldFinding
from app.http.field_rules import (
    FieldProblem,
    Rule,
    Schema,
    boolean,
    choice,
    phone,
    public_key,
    secret,
    text,
)
from app.http.request_bodies import BodySchema, Values
from app.providers.vapid import is_key_pair, is_vapid_private_key
from app.secrets.secret import Secret
from domain.integration import Channel
from domain.provider import Providers

CREATE_EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "SendGrid": {
        "name": "SendGrid Production",
        "type": "SENDGRID",
        "channel": "EMAIL",
        "apiKey": "SG.abc123...",
        "senderEmail": "noreply@example.com",
        "senderName": "Example Brand",
    },
    "Elastic Email": {
        "name": "Elastic Email",
        "type": "ELASTIC_EMAIL",
        "channel": "EMAIL",
        "apiKey": "EE-abc123...",
        "senderEmail": "campaigns@example.com",
        "senderName": "Example Campaigns",
    },
    "Web Push VAPID": {
        "name": "Web Push VAPID Keys",
        "type": "WEB_PUSH",
        "channel": "PUSH",
        "vapidPublicKey": "BHn...",
        "vapidPrivateKey": "abc123...",
    },
    "Twilio SMS": {
        "name": "Twilio SMS",
        "type": "TWILIO",
        "channel": "SMS",
        "apiKey": "ACabc123...",
        "apiSecret": "your_twilio_auth_token",
        "senderPhone": "+1234567890",
    },
}
CHANNELS = ("EMAIL", "SMS", "PUSH")
SECRET_FIELDS = ("apiKey", "apiSecret", "vapidPrivateKey")
PUBLIC_FIELDS = ("name", "senderName", "senderEmail", "senderPhone", "vapidPublicKey")
MAX_SECRET_LENGTH = 8_192
MIN_KEY_LENGTH = 8  # characters; a shorter value that equals a secret may be a coincidence
CHANNEL_MISMATCH = FieldProblem("CHANNEL_MISMATCH", "This type belongs to another channel")
NO_CREDENTIAL = FieldProblem("REQUIRED", "At least one of these fields is required")
SECRET_NOT_CHANGED_HERE = FieldProblem(
    "NOT_CHANGED_HERE", "Secrets are replaced by PUT …/credentials"
)
IMMUTABLE_FIELD = FieldProblem(
    "NOT_CHANGED_HERE", "This cannot be changed; add a new integration instead"
)
VAPID_MISMATCH = FieldProblem("VAPID_MISMATCH", "The two VAPID keys do not belong together")
LOOKS_LIKE_SECRET = FieldProblem(
    "LOOKS_LIKE_SECRET", "This looks like a private key; it would be visible to everybody"
)


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
    is_active: bool = True
    notices: Notices = ()


class UpdateIntegrationBody(Struct, rename="camel", kw_only=True):
    """The fields to change; an absent one stays, null clears."""

    name: str | UnsetType = UNSET
    sender_email: str | UnsetType | None = UNSET
    sender_name: str | UnsetType | None = UNSET
    sender_phone: str | UnsetType | None = UNSET
    vapid_public_key: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class ToggleBody(Struct, rename="camel", kw_only=True):
    """On or off."""

    is_active: bool


class ReplaceCredentialsBody(Struct, rename="camel", kw_only=True):
    """New secrets; absent ones stay as they are."""

    api_key: Secret | None = None
    api_secret: Secret | None = None
    vapid_private_key: Secret | None = None
    vapid_public_key: str | None = None
    notices: Notices = ()


PUBLIC_RULES: Mapping[str, Rule] = {
    "name": text(120, trimmed=True),
    "senderEmail": email,
    "senderName": text(120, trimmed=True),
    "senderPhone": phone,
    "vapidPublicKey": public_key(512),
    "isActive": boolean,
}
SECRET_RULES: Mapping[str, Rule] = dict.fromkeys(SECRET_FIELDS, secret(MAX_SECRET_LENGTH))


def require_credential(values: Values) -> Iterable[FieldFinding]:
    """Find a body that would replace nothing."""
    if not values:
        yield None, NO_CREDENTIAL


def check_vapid_pair(values: Values) -> Iterable[FieldFinding]:
    """Find a VAPID key pair whose keys both decode and do not match."""
    public, private = values.get("vapidPublicKey"), values.get("vapidPrivateKey")
    if public and private and is_key_pair(public, reveal_text(private)) is False:
        yield "vapidPublicKey", VAPID_MISMATCH


def reject_exposed_secrets(values: Values) -> Iterable[FieldFinding]:
    """Find secrets in the fields that every viewer can read."""
    secrets = [values[name] for name in SECRET_FIELDS if name in values]
    for name in PUBLIC_FIELDS:
        value = values.get(name)
        if not value:
            continue
        repeated = len(value) >= MIN_KEY_LENGTH and Secret(value.encode()) in secrets
        if repeated or looks_like_private_key(name, value):
            yield name, LOOKS_LIKE_SECRET


def looks_like_private_key(name: str, value: str) -> bool:
    """Return whether *value* is a PEM private key or, as a VAPID key, the private one."""
    return "PRIVATE KEY" in value or (name == "vapidPublicKey" and is_vapid_private_key(value))


def reveal_text(secret_: Secret) -> str:
    """Return the text of *secret_*."""
    return secret_.reveal().decode()


def create_schema(providers: Providers) -> BodySchema[CreateIntegrationBody]:
    """Return the schema of a new integration of one of *providers*."""
    rules = {"type": choice(providers), "channel": choice(CHANNELS), **PUBLIC_RULES, **SECRET_RULES}

    def channel_of_type(values: Values) -> Iterable[FieldFinding]:
        channel, provider = values.get("channel"), providers.get(values.get("type", ""))
        if channel and provider and channel != provider.channel:
            yield "channel", CHANNEL_MISMATCH

    checks = (channel_of_type, check_vapid_pair, reject_exposed_secrets)
    return BodySchema(
        shape=CreateIntegrationBody,
        rules=rules,
        checks=checks,
        cross_field_schema={"anyOf": type_channel_schema(providers)},
        examples=CREATE_EXAMPLES,
    )


def type_channel_schema(providers: Providers) -> list[Schema]:
    """Return the JSON Schema of which types belong to which channel."""
    return [
        {
            "properties": {
                "type": {"enum": sorted(t for t, p in providers.items() if p.channel == channel)},
                "channel": {"const": channel},
            }
        }
        for channel in CHANNELS
    ]


FIELDS_OF_OTHER_ENDPOINTS: Mapping[str, FieldProblem] = {
    **dict.fromkeys(SECRET_FIELDS, SECRET_NOT_CHANGED_HERE),
    **dict.fromkeys(("type", "channel"), IMMUTABLE_FIELD),
}
UPDATE_SCHEMA = BodySchema(
    shape=UpdateIntegrationBody,
    rules=PUBLIC_RULES,
    checks=(reject_exposed_secrets,),
    clearable=frozenset(PUBLIC_RULES) - {"name", "isActive"},
    null_is_wrong=True,
    other_endpoint_fields=FIELDS_OF_OTHER_ENDPOINTS,
)
TOGGLE_SCHEMA = BodySchema(shape=ToggleBody, rules={"isActive": boolean})
CREDENTIALS_SCHEMA = BodySchema(
    shape=ReplaceCredentialsBody,
    rules={"vapidPublicKey": PUBLIC_RULES["vapidPublicKey"], **SECRET_RULES},
    checks=(require_credential, check_vapid_pair, reject_exposed_secrets),
    cross_field_schema={
        "anyOf": [
            {"required": [name], "properties": {name: {"type": "string"}}}
            for name in (*SECRET_FIELDS, "vapidPublicKey")
        ]
    },
)


def build_body_schemas(providers: Providers) -> Mapping[type[Struct], BodySchema[Any]]:
    """Return the schema of each body; integrations may be of *providers*."""
    schemas = (create_schema(providers), UPDATE_SCHEMA, TOGGLE_SCHEMA, CREDENTIALS_SCHEMA)
    return {schema.shape: schema for schema in schemas}
