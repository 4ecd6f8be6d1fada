"""What a check finds without a request to the provider."""

from collections.abc import Callable, Mapping

import pytest

from app.locales.catalogues import load_catalogues
from app.providers.check import CredentialChecker
from app.providers.provider_file import ProviderFile
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script

CheckerAt = Callable[..., CredentialChecker]


@pytest.mark.parametrize(
    ("type_", "values", "outcome", "message"),
    [
        ("SENDGRID", {"apiKey": "SG.a b"}, "inconclusive", "{field} holds a space,"),
        ("SENDGRID", {"apiKey": "a\r\nX-Evil: 1"}, "inconclusive", "{field} holds a space,"),
        ("SENDGRID", {"apiKey": "schlüssel"}, "inconclusive", "{field} holds a space,"),
        ("SENDGRID", {"apiKey": "Bearer SG.a"}, "inconclusive", "{field} is stored with quotes"),
        ("NEXMO", {"apiKey": "a:b", "apiSecret": "c"}, "inconclusive", "{field} holds a space,"),
        ("TWILIO", {"apiKey": "S1", "apiSecret": "s"}, "inconclusive", "apiKey is no account SID"),
        ("TWILIO", {"apiKey": "/x", "apiSecret": "s"}, "inconclusive", "apiKey is no account SID"),
        ("FIREBASE_FCM", {"apiKey": "AAAAabc:def"}, "retired", "Server keys of FCM's legacy"),
        ("FIREBASE_FCM", {"apiKey": "'AAAAabc:def'\n"}, "retired", "Server keys of FCM's legacy"),
        (
            "FIREBASE_FCM",
            {"apiKey": "any-key"},
            "inconclusive",
            "This is not the JSON of a service",
        ),
        ("FIREBASE_FCM", {"apiKey": "{"}, "inconclusive", "This is not the JSON of a service"),
        ("FIREBASE_FCM", {"apiKey": "{}"}, "inconclusive", "This is not the JSON of a service"),
        ("FIREBASE_FCM", {"apiKey": "{" * 8000}, "inconclusive", "This is not the JSON"),
        ("GONE", {"apiKey": "k"}, "inconclusive", "This type of provider cannot be checked"),
    ],
)
async def test_what_cannot_work_is_known_without_asking(
    type_: str,
    values: dict[str, str],
    outcome: str,
    message: str,
    script: Script,
) -> None:
    secrets = {name: Secret(text.encode()) for name, text in values.items()}

    checked = await script.check(type_, values=secrets)

    assert checked.verdict.outcome == outcome
    assert checked.verdict.message.startswith(message)
    assert script.requests == []


LEGACY_KEY = "AAAA1234567:" + "a" * 140
MISSING: list[tuple[str, dict[str, str], str]] = [
    ("SENDGRID", {"senderEmail": "a@example.com"}, "apiKey"),
    ("SENDGRID", {"apiSecret": "another"}, "apiKey"),
    ("SENDGRID", {"apiSecret": "SG." + "a" * 22 + "." + "b" * 43}, "apiKey < apiSecret"),
    ("SENDGRID", {"region": "EU", "onBehalfOf": "shop"}, "apiKey"),
    ("ELASTIC_EMAIL", {"apiSecret": "AB" * 48}, "apiKey < apiSecret"),
    ("TWILIO", {"apiKey": "AC" + "0" * 32}, "apiSecret"),
    ("TWILIO", {"apiSecret": "1" * 32}, "apiKey"),
    (
        "TWILIO", {"apiSecret": "1" * 32, "accountSid": "AC" + "0" * 32},
        "apiKey < settings.accountSid",
    ),
    ("TWILIO", {"apiKey": "SK" + "0" * 32}, "apiSecret, settings.accountSid"),
    ("TWILIO", {"region": "IE1"}, "apiKey, apiSecret"),
    ("NEXMO", {"apiKey": "abcd1234"}, "apiSecret"),
    ("WEB_PUSH", {"vapidPublicKey": "B" + "a" * 86}, "vapidPrivateKey"),
    ("WEB_PUSH", {"vapidPrivateKey": "a" * 43}, "vapidPublicKey"),
    ("WEB_PUSH", {"contact": "mailto:a@example.com"}, "vapidPublicKey, vapidPrivateKey"),
    ("WEB_PUSH", {"vapidPublicKey": "B", "apiKey": "a" * 43}, "vapidPrivateKey < apiKey"),
    ("FIREBASE_FCM", {"apiSecret": "another"}, "apiKey"),
    ("FIREBASE_FCM", {"apiSecret": LEGACY_KEY}, "apiKey < apiSecret"),
    ("FIREBASE_FCM", {"apiSecret": ' \'{"type": "service_account"}\''}, "apiKey < apiSecret"),
    ("FIREBASE_FCM", {"vapidPrivateKey": LEGACY_KEY}, "apiKey < vapidPrivateKey"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "values", "expected"), MISSING)
async def test_what_is_missing_is_named_and_blames_nothing(
    type_: str, values: dict[str, str], expected: str, script: Script
) -> None:
    found = await script.check(type_, values={n: Secret(v.encode()) for n, v in values.items()})

    verdict, (missing, _, other) = found.verdict, expected.partition(" < ")
    assert (verdict.outcome, script.requests) == ("inconclusive", [])
    assert verdict.limits == {"fields": missing} | ({"other": other} if other else {})
    for language in load_catalogues().languages.values():
        assert missing in language.text(verdict.message, **verdict.limits)
        assert other in language.text(verdict.message, **verdict.limits)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [("", "ok"), ("other", "invalid"), ("short", "inconclusive"), ("missing", "inconclusive")],
)
async def test_a_vapid_pair_is_checked_offline(
    change: str, outcome: str, providers: Mapping[str, ProviderFile], checker_at: CheckerAt
) -> None:
    fields = providers["WEB_PUSH"].fields
    private = {"": fields["vapidPrivateKey"].example, "other": "A" * 42 + "E", "short": "abc"}
    values = {"vapidPublicKey": Secret(fields["vapidPublicKey"].example.encode())}
    if change != "missing":
        values["vapidPrivateKey"] = Secret(private[change].encode())

    checked = await checker_at("http://127.0.0.1:9").check("WEB_PUSH", values)

    assert checked.verdict.outcome == outcome


@pytest.mark.parametrize("stored", ['"{0}{1}"', "`{0}{1}`", "{0} {1}", "{0}\u200b{1}"], ids=ascii)
async def test_a_public_key_that_no_browser_takes_is_not_ok(
    stored: str, providers: Mapping[str, ProviderFile], checker_at: CheckerAt
) -> None:
    fields = providers["WEB_PUSH"].fields
    key = fields["vapidPublicKey"].example
    public = stored.format(key[:9], key[9:])
    values = {
        "vapidPublicKey": Secret(public.encode()),
        "vapidPrivateKey": Secret(fields["vapidPrivateKey"].example.encode()),
    }

    checked = await checker_at("http://127.0.0.1:9").check("WEB_PUSH", values)

    assert checked.verdict.outcome == "inconclusive"


@pytest.mark.parametrize("stored", ['"{0}{1}"', "{0} {1}", "{0}\n{1}", "{0}\u200b{1}"], ids=ascii)
async def test_a_private_key_that_no_sender_takes_is_not_ok(
    stored: str, providers: Mapping[str, ProviderFile], checker_at: CheckerAt
) -> None:
    fields = providers["WEB_PUSH"].fields
    key = fields["vapidPrivateKey"].example
    values = {
        "vapidPublicKey": Secret(fields["vapidPublicKey"].example.encode()),
        "vapidPrivateKey": Secret(stored.format(key[:9], key[9:]).encode()),
    }

    verdict = (await checker_at("http://127.0.0.1:9").check("WEB_PUSH", values)).verdict

    assert (verdict.outcome, verdict.limits) == ("inconclusive", {"field": "vapidPrivateKey"})
