"""Warnings about valid bodies: shown with the data, absent if there are none."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATH = "/en/api/integration"
Problem = Callable[..., dict[str, Any]]


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def vapid_pair() -> tuple[str, str]:
    """Return a new public and private VAPID key."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64url(point), base64url(key.private_numbers().private_value.to_bytes(32))


def web_push(public: str, private: str) -> dict[str, str]:
    return {
        "name": "n",
        "type": "WEB_PUSH",
        "channel": "PUSH",
        "vapidPublicKey": public,
        "vapidPrivateKey": private,
    }


def warned(client: httpx2.Client, body: dict[str, Any]) -> list[tuple[str, str]] | None:
    """Create; return field and code of each warning, None where the answer has no warnings."""
    answer = client.post(PATH, json=body)
    assert answer.status_code == 201
    warnings = answer.json()["result"].get("warnings")
    return warnings and [(warning["field"], warning["code"]) for warning in warnings]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"apiKey": "SG." + "a" * 22 + "." + "b" * 43}, None),
        ({"apiKey": "SG.short"}, [("apiKey", "UNUSUAL_FORMAT")]),
        ({"apiSecret": "s"}, [("apiSecret", "NOT_USED")]),
        ({"senderName": "N", "senderPhone": "+15551234567"}, [("senderPhone", "NOT_USED")]),
        (
            {"type": "TWILIO", "channel": "SMS", "senderEmail": None, "senderPhone": "+999999999"},
            [("senderPhone", "IMPOSSIBLE_PHONE")],
        ),
        (
            {
                "type": "TWILIO",
                "channel": "SMS",
                "senderEmail": None,
                "apiKey": "AC",
                "apiSecret": "s",
            },
            [("apiKey", "UNUSUAL_FORMAT"), ("apiSecret", "UNUSUAL_FORMAT")],
        ),
    ],
)
def test_values_that_a_provider_does_not_expect_are_warnings(
    client: httpx2.Client,
    body: dict[str, Any],
    more: dict[str, Any],
    expected: list[tuple[str, str]] | None,
) -> None:
    assert warned(client, body | more) == expected


@pytest.mark.parametrize(
    ("name", "is_variable"),
    [
        *((name, True) for name in ('MAIL_FROM_NAME="${APP_NAME}"', "${APP_NAME} News", "#{name}")),
        *((name, True) for name in ("{{ site_name }}", "%APP_NAME%", "$APP_NAME", "$fromName")),
        *((name, True) for name in ("process.env.FROM_NAME", "env('APP_NAME')", "ENV['NAME']")),
        *((name, True) for name in ('os.environ["FROM_NAME"]', "import.meta.env.VITE_NAME")),
        *((name, True) for name in ('os.Getenv("NAME")', 'env::var("NAME")', 'ENV.fetch("NAME")')),
        *((name, True) for name in ("$(FROM_NAME)", "%{app_name}", "config('mail.from.name')")),
        *((name, False) for name in ("Acme", "$AVE", "Ca$h & Co", "100% Bio", "50%-off% Shop")),
        *((name, False) for name in ("{code} Academy", "Green Env. Agency", "A$AP_Rocky")),
        *((name, False) for name in ("env.consulting", "my-env.com", "Environ(mental) Studio")),
        *((name, False) for name in ("100%Fun%", "50%OFF% Shop", "Process.env", "Env (Berlin)")),
        *((name, False) for name in ("Config (Live)", "$(Cash)", "Getenv GmbH")),
    ],
)
def test_a_sender_that_is_the_name_of_a_variable_is_a_warning(
    client: httpx2.Client, body: dict[str, Any], name: str, *, is_variable: bool
) -> None:
    created = client.post(PATH, json=body)
    changed = client.patch(created.headers["location"], json={"senderName": name})

    expected = [("senderName", "UNRESOLVED_VARIABLE")] if is_variable else None
    assert warned(client, body | {"senderName": name}) == expected
    assert ("UNRESOLVED_VARIABLE" in changed.text) is is_variable


@pytest.mark.parametrize(
    ("address", "is_variable"),
    [
        *((user, True) for user in ("${MAIL_USER}", "{{user}}", "%MAIL_USER%", "$MAIL_USER")),
        *((user, False) for user in ("{user}", "$ada", "ada%example.org", "100%news%")),
    ],
)
def test_a_variable_in_the_address_of_a_sender_is_a_warning(
    client: httpx2.Client, body: dict[str, Any], address: str, *, is_variable: bool
) -> None:
    expected = [("senderEmail", "UNRESOLVED_VARIABLE")] if is_variable else None
    assert warned(client, body | {"senderEmail": f"{address}@acme.com"}) == expected


def test_a_warning_does_not_repeat_the_value(client: httpx2.Client, body: dict[str, Any]) -> None:
    answer = client.post(PATH, json=body | {"apiKey": "my-secret-key"})

    (warning,) = answer.json()["result"]["warnings"]
    assert set(warning) == {"field", "code", "message"}
    assert "my-secret-key" not in answer.text


def test_a_vapid_key_pair_is_accepted_without_a_warning(client: httpx2.Client) -> None:
    assert warned(client, web_push(*vapid_pair())) is None


def test_vapid_keys_that_do_not_belong_together_are_refused(
    client: httpx2.Client, problem: Problem
) -> None:
    (public, _), (_, private) = vapid_pair(), vapid_pair()

    answer = client.post(PATH, json=web_push(public, private))

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(d["field"], d["code"]) for d in details] == [("vapidPublicKey", "VAPID_MISMATCH")]
    assert private not in answer.text


def test_a_private_key_in_the_public_field_is_refused(
    client: httpx2.Client, problem: Problem
) -> None:
    public, private = vapid_pair()

    answer = client.post(PATH, json=web_push(private, public))

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(d["field"], d["code"]) for d in details] == [("vapidPublicKey", "LOOKS_LIKE_SECRET")]
    assert private not in answer.text
