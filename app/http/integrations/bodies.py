"""The bodies that the HTTP API takes, their rules, and what is checked across their fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from app.http.errors import Found
from app.http.field_rules import (
    FieldProblem,
    Rule,
    Schema,
    boolean,
    choice,
    email,
    phone,
    secret,
    text,
)
from app.http.request_bodies import Form, Values
from app.providers.vapid import belong_together, is_private_key
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
SHOWN_FIELDS = ("name", "senderName", "senderEmail", "senderPhone", "vapidPublicKey")
SECRET_LENGTH = 8_192
SHORTEST_KEY = 8  # characters of a provider's key; less is no accident of copying
OTHER_CHANNEL = FieldProblem("CHANNEL_MISMATCH", "This type belongs to another channel")
NOTHING_GIVEN = FieldProblem("REQUIRED", "At least one of these fields is required")
CHANGED_ELSEWHERE = FieldProblem("NOT_CHANGED_HERE", "Secrets are replaced by PUT …/credentials")
FIXED = FieldProblem("NOT_CHANGED_HERE", "This cannot be changed; add a new integration instead")
NO_PAIR = FieldProblem("VAPID_MISMATCH", "The two VAPID keys do not belong together")
SHOWN_SECRET = FieldProblem(
    "LOOKS_LIKE_SECRET", "This looks like a private key; it would be visible to everybody"
)


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


class ChangeIntegrationBody(Struct, rename="camel", kw_only=True):
    """What is to be different; absent keeps, null clears."""

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


SHOWN_RULES: Mapping[str, Rule] = {
    "name": text(120, trimmed=True),
    "senderEmail": email,
    "senderName": text(120, trimmed=True),
    "senderPhone": phone,
    "vapidPublicKey": text(512),
    "isActive": boolean,
}
SECRET_RULES: Mapping[str, Rule] = dict.fromkeys(SECRET_FIELDS, secret(SECRET_LENGTH))


def at_least_one_credential(values: Values) -> Iterable[Found]:
    """Find a body that would replace nothing."""
    if not values:
        yield None, NOTHING_GIVEN


def vapid_pair(values: Values) -> Iterable[Found]:
    """Find a VAPID pair whose keys both decode and do not match."""
    public, private = values.get("vapidPublicKey"), values.get("vapidPrivateKey")
    if public and private and belong_together(public, revealed(private)) is False:
        yield "vapidPublicKey", NO_PAIR


def nothing_secret_shown(values: Values) -> Iterable[Found]:
    """Find private keys in the fields that everybody who may look can see."""
    secrets = [values[name] for name in SECRET_FIELDS if name in values]
    for name in SHOWN_FIELDS:
        shown = values.get(name)
        if not shown:
            continue
        repeated = len(shown) >= SHORTEST_KEY and Secret(shown.encode()) in secrets
        if repeated or looks_private(name, shown):
            yield name, SHOWN_SECRET


def looks_private(name: str, value: str) -> bool:
    """Tell whether *value* is a PEM private key or, as a VAPID key, the private one."""
    return "PRIVATE KEY" in value or (name == "vapidPublicKey" and is_private_key(value))


def revealed(secret_: Secret) -> str:
    """Return the text of *secret_*."""
    return secret_.reveal().decode()


def create_form(providers: Providers) -> Form[CreateIntegrationBody]:
    """Return the form of a new integration of one of *providers*."""
    rules = {"type": choice(providers), "channel": choice(CHANNELS), **SHOWN_RULES, **SECRET_RULES}

    def channel_of_type(values: Values) -> Iterable[Found]:
        channel, provider = values.get("channel"), providers.get(values.get("type", ""))
        if channel and provider and channel != provider.channel:
            yield "channel", OTHER_CHANNEL

    checks = (channel_of_type, vapid_pair, nothing_secret_shown)
    return Form(
        shape=CreateIntegrationBody,
        rules=rules,
        checks=checks,
        across={"anyOf": pairs_of(providers)},
        examples=CREATE_EXAMPLES,
    )


def pairs_of(providers: Providers) -> list[Schema]:
    """Return in JSON Schema which types belong to which channel."""
    return [
        {
            "properties": {
                "type": {"enum": sorted(t for t, p in providers.items() if p.channel == channel)},
                "channel": {"const": channel},
            }
        }
        for channel in CHANNELS
    ]


ELSEWHERE: Mapping[str, FieldProblem] = {
    **dict.fromkeys(SECRET_FIELDS, CHANGED_ELSEWHERE),
    **dict.fromkeys(("type", "channel"), FIXED),
}
CHANGE_FORM = Form(
    shape=ChangeIntegrationBody,
    rules=SHOWN_RULES,
    checks=(nothing_secret_shown,),
    clearable=frozenset(SHOWN_RULES) - {"name", "isActive"},
    null_is_wrong=True,
    elsewhere=ELSEWHERE,
)
TOGGLE_FORM = Form(shape=ToggleBody, rules={"isActive": boolean})
CREDENTIALS_FORM = Form(
    shape=ReplaceCredentialsBody,
    rules={"vapidPublicKey": SHOWN_RULES["vapidPublicKey"], **SECRET_RULES},
    checks=(at_least_one_credential, vapid_pair, nothing_secret_shown),
    across={
        "anyOf": [
            {"required": [name], "properties": {name: {"type": "string"}}}
            for name in (*SECRET_FIELDS, "vapidPublicKey")
        ]
    },
)


def forms_for(providers: Providers) -> Mapping[type[Struct], Form[Any]]:
    """Return the form of each body, where integrations may be of *providers*."""
    forms = (create_form(providers), CHANGE_FORM, TOGGLE_FORM, CREDENTIALS_FORM)
    return {form.shape: form for form in forms}
