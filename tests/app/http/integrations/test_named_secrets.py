"""A value behind the name of a secret is refused in what everybody sees."""

import json

import httpx2
import pytest

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import (
    CreateIntegrationBody,
    UpdateIntegrationBody,
    build_body_schemas,
)
from app.providers.registry import load_providers
from tests.support.public_texts import (
    ACCOUNT,
    MAIL,
    PATH,
    PUB,
    PUSH,
    SG,
)

SCHEMAS = build_body_schemas(load_providers())


HEXADECIMAL = "0a" * 16
NAMED_SECRETS = [
    ("name", "VONAGE_API_SECRET=Abcd12345"),
    ("name", "export VONAGE_API_SECRET='Abcd12345'"),
    ("name", "VONAGE_API_SECRET=${SECRET:-Abcd12345}"),
    ("name", "VONAGE_API_SECRET=${SECRET}Abcd12345"),
    ("senderName", "SMTP_PASSWORD=hunter22"),
    ("senderName", f"TWILIO_AUTH_TOKEN={HEXADECIMAL}"),
    ("senderPhone", "VONAGE_API_SECRET=Abcd12345"),
    ("senderPhone", "export VONAGE_API_SECRET=Abcd12345"),
    ("senderPhone", "PASSWORD=hunter22"),
    ("senderPhone", "TOKEN=12345"),
    ("senderPhone", "Passwort: ACME"),
    ("senderEmail", "SMTP_PASSWORD=S3cret@acme.com"),
    ("senderEmail", "password: S3cret@acme.com"),
    ("senderEmail", "spring.mail.password=S3cret@acme.com"),
    ("settings.onBehalfOf", "password=S3cret@acme.com"),
    ("senderEmail", f"apikey:{SG}@smtp.sendgrid.net"),
    ("vapidPublicKey", "VONAGE_API_SECRET=Abcd12345"),
    ("settings.onBehalfOf", "SENDGRID_PASSWORD=hunter22"),
    ("settings.region", "TOKEN=EU"),
    ("settings.contact", "SMTP_PASSWORD=mailto:S3cret@acme.com"),
    ("settings.accountSid", f"TWILIO_AUTH_TOKEN={ACCOUNT}"),
]


@pytest.mark.parametrize(("field", "text"), NAMED_SECRETS)
@pytest.mark.parametrize("shape", [CreateIntegrationBody, UpdateIntegrationBody])
def test_a_value_behind_the_name_of_a_secret_is_refused_and_its_name_never_removed(
    shape: type, field: str, text: str
) -> None:
    outer, _, inner = field.partition(".")
    base = MAIL if shape is CreateIntegrationBody else {}
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[shape].read(json.dumps({**base, outer: {inner: text} if inner else text}).encode())
    assert (field, "LOOKS_LIKE_SECRET") in {(n, each.code) for n, each in refused.value.findings}


REFERENCES = ["API_KEY=${SENDGRID_API_KEY}", "API_KEY='${KEY_1}' (EU)", "API_KEY=op://Mail/SG/key"]
WORDS = ["Password reset mails", "Token: refresh", "Key accounts = VIP"]


@pytest.mark.parametrize("name", [*WORDS, *REFERENCES])
@pytest.mark.parametrize("field", ["name", "senderName"])
def test_an_ordinary_name_names_no_secret(client: httpx2.Client, field: str, name: str) -> None:
    created = client.post(PATH, json=MAIL | {field: name})
    assert created.json()["result"]["data"][field] == name


@pytest.mark.parametrize("text", [f"VAPID_KEY={PUB}", f"VAPID_PUBLIC_KEY={PUB}"])
def test_a_public_key_is_called_a_key_and_is_no_secret(client: httpx2.Client, text: str) -> None:
    assert client.post(PATH, json=PUSH | {"vapidPublicKey": text}).status_code == 201
