"""The bodies that the HTTP API takes, their rules, and what is checked across their fields."""

from collections.abc import Iterable

from msgspec import Struct

from app.http.fields import FieldProblem, Rule, boolean, choice, email, phone, secret, text
from app.http.forms import Form, Found, Values
from app.providers.vapid import belong_together, is_private_key
from app.secrets.secret import Secret
from domain.integration import Channel
from domain.provider import Providers

CHANNELS = ("EMAIL", "SMS", "PUSH")
SECRET_FIELDS = ("apiKey", "apiSecret", "vapidPrivateKey")
SHOWN_FIELDS = ("name", "senderName", "senderEmail", "senderPhone", "vapidPublicKey")
SECRET_LENGTH = 8_192
OTHER_CHANNEL = FieldProblem("CHANNEL_MISMATCH", "This type belongs to another channel")
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


def create_form(providers: Providers) -> Form[CreateIntegrationBody]:
    """Return the form of a new integration of one of *providers*."""
    rules: dict[str, Rule] = {
        "name": text(1, 120, trimmed=True),
        "type": choice(providers),
        "channel": choice(CHANNELS),
        "apiKey": secret(SECRET_LENGTH),
        "apiSecret": secret(SECRET_LENGTH),
        "senderEmail": email,
        "senderName": text(1, 120, trimmed=True),
        "senderPhone": phone,
        "vapidPublicKey": text(1, 512),
        "vapidPrivateKey": secret(SECRET_LENGTH),
        "isActive": boolean,
    }

    def channel_of_type(values: Values) -> Iterable[Found]:
        if "type" in values and values.get("channel", "") not in ("", channel(values["type"])):
            yield "channel", OTHER_CHANNEL

    def channel(type_: str) -> str:
        return providers[type_].channel

    return Form(CreateIntegrationBody, rules, (channel_of_type, vapid_pair, nothing_secret_shown))


def vapid_pair(values: Values) -> Iterable[Found]:
    """Find a VAPID pair whose keys both decode and do not match."""
    public, private = values.get("vapidPublicKey"), values.get("vapidPrivateKey")
    if public and private and belong_together(public, revealed(private)) is False:
        yield "vapidPublicKey", NO_PAIR


def nothing_secret_shown(values: Values) -> Iterable[Found]:
    """Find private keys in the fields that everybody who may look can see."""
    secrets = [values[name] for name in SECRET_FIELDS if name in values]
    for name in SHOWN_FIELDS:
        shown = values.get(name, "")
        if looks_private(name, shown) or Secret(shown.encode()) in secrets:
            yield name, SHOWN_SECRET


def looks_private(name: str, value: str) -> bool:
    """Tell whether *value* is a PEM private key or, as a VAPID key, the private one."""
    return "PRIVATE KEY" in value or (name == "vapidPublicKey" and is_private_key(value))


def revealed(secret_: Secret) -> str:
    """Return the text of *secret_*."""
    return secret_.reveal().decode()
