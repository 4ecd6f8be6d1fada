"""What a check finds, by what the provider answers."""

import asyncio
import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec.structs import replace

from app.database.availability import UnavailableError
from app.providers.check import MAX_CONCURRENT_CHECKS, CredentialChecker
from app.providers.http_client import ProviderClient
from app.providers.provider_file import ProviderFile, Region
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script
from tests.support.any_provider import SENDGRID_REFUSES

Values = dict[str, Secret]
CheckerAt = Callable[..., CredentialChecker]

# Written from the providers' documentation, where their OpenAPI files hold no error answers.
TWILIO_REFUSES = {
    "code": 20003,
    "message": "Authenticate",
    "more_info": "https://www.twilio.com/docs/errors/20003",
    "status": 401,
}
TWILIO_TEST_KEYS = TWILIO_REFUSES | {"code": 20008, "status": 403}
TOKEN = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}
WRONG_SIGNATURE = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
NO_SUCH_ACCOUNT = {
    "error": "invalid_grant",
    "error_description": "Invalid grant: account not found",
}
WRONG_CLOCK = {
    "error": "invalid_grant",
    "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes)",
}
NOT_ALLOWED = {"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED"}}
UNKNOWN_TOKEN = {"error": {"code": 401, "message": "m", "status": "UNAUTHENTICATED"}}


Answers = list[tuple[int, Any]]
MEANINGS: list[tuple[str, Answers, str]] = [
    ("SENDGRID", [(200, {"scopes": ["a", "mail.send"]})], "ok"),
    ("SENDGRID", [(200, {"scopes": ["mail.batch"]})], "insufficient"),
    ("SENDGRID", [(200, {"scopes": "mail.send"})], "inconclusive"),
    ("SENDGRID", [(200, {})], "inconclusive"),
    ("SENDGRID", [(200, [])], "inconclusive"),
    ("SENDGRID", [(401, SENDGRID_REFUSES)], "invalid"),
    ("SENDGRID", [(401, "<html>sign in to the hotel's network</html>")], "inconclusive"),
    ("SENDGRID", [(401, {"portal": "sign in"})], "inconclusive"),
    ("SENDGRID", [(403, {"errors": [{"message": "access forbidden"}]})], "insufficient"),
    ("SENDGRID", [(404, {"errors": []})], "inconclusive"),
    ("ELASTIC_EMAIL", [(200, [])], "ok"),
    ("ELASTIC_EMAIL", [(200, {})], "inconclusive"),
    ("ELASTIC_EMAIL", [(401, {"Error": "Incorrect apikey"})], "invalid"),
    ("ELASTIC_EMAIL", [(401, {"Error": "Access Denied."})], "insufficient"),
    ("ELASTIC_EMAIL", [(403, {"Error": "Access Denied."})], "insufficient"),
    ("TWILIO", [(200, {"status": "active", "auth_token": "t"})], "ok"),
    ("TWILIO", [(200, {"status": "suspended"})], "insufficient"),
    ("TWILIO", [(200, {"status": "closed"})], "insufficient"),
    ("TWILIO", [(401, TWILIO_REFUSES)], "invalid"),
    ("TWILIO", [(401, TWILIO_REFUSES | {"code": True})], "inconclusive"),
    ("TWILIO", [(403, TWILIO_TEST_KEYS)], "insufficient"),
    ("NEXMO", [(200, {"value": 10.17, "autoReload": False})], "ok"),
    ("NEXMO", [(200, {"value": "10.17"})], "inconclusive"),
    ("NEXMO", [(401, {"error-code": "401"})], "inconclusive"),
    ("FIREBASE_FCM", [(200, TOKEN), (200, {"name": "projects/p/messages/1"})], "ok"),
    ("FIREBASE_FCM", [(200, TOKEN), (403, NOT_ALLOWED)], "insufficient"),
    ("FIREBASE_FCM", [(200, TOKEN), (401, UNKNOWN_TOKEN)], "inconclusive"),
    ("FIREBASE_FCM", [(200, TOKEN | {"access_token": "a\nb"})], "inconclusive"),
    ("FIREBASE_FCM", [(200, {})], "inconclusive"),
    ("FIREBASE_FCM", [(400, WRONG_SIGNATURE)], "invalid"),
    ("FIREBASE_FCM", [(400, NO_SUCH_ACCOUNT)], "invalid"),
    ("FIREBASE_FCM", [(400, WRONG_CLOCK)], "inconclusive"),
    *[
        (type_, [(status, {"errors": [], "Error": "e", "code": 1})], "inconclusive")
        for type_ in ("SENDGRID", "ELASTIC_EMAIL", "TWILIO", "NEXMO", "FIREBASE_FCM")
        for status in (204, 302, 418, 429, 500, 503)
    ],
]


@pytest.mark.parametrize(("type_", "answers", "outcome"), MEANINGS)
async def test_an_answer_means_what_the_provider_file_says(
    type_: str,
    answers: list[tuple[int, object]],
    outcome: str,
    script: Script,
) -> None:
    checked = await script.check(type_, *answers)

    assert checked.verdict.outcome == outcome
    assert script.answers == []
    assert 0 <= checked.latency_ms < 5_000


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (429, "The provider receives too many requests now; check again later"),
        (500, "The provider has a failure of its own (status {status})"),
        (302, "The provider gave an unexpected answer (status {status})"),
    ],
)
async def test_the_detail_says_why_nothing_is_known(
    status: int,
    message: str,
    script: Script,
) -> None:
    checked = await script.check("NEXMO", (status, ""))

    assert checked.verdict.message == message


@pytest.mark.parametrize(
    ("type_", "line", "header", "value"),
    [
        ("SENDGRID", "GET /v3/scopes", "authorization", "Bearer SG." + "a" * 22 + "." + "b" * 43),
        ("ELASTIC_EMAIL", "GET /domains", "x-elasticemail-apikey", "AB" * 48),
        ("NEXMO", "GET /account/get-balance", "accept-encoding", "identity"),
    ],
)
async def test_the_request_is_that_of_the_provider_file(
    type_: str,
    line: str,
    header: str,
    value: str,
    script: Script,
) -> None:
    await script.check(type_, (500, ""))

    asked, headers, body = script.requests[0]
    assert (asked, body) == (line, b"")
    assert headers[header] == value
    assert {"cookie", "referer"}.isdisjoint(headers)


async def test_basic_credentials_are_user_and_password(script: Script) -> None:
    await script.check("TWILIO", (500, ""))

    asked, headers, _ = script.requests[0]
    assert asked == f"GET /2010-04-01/Accounts/AC{'0' * 32}.json"
    pair = b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == f"AC{'0' * 32}:{'1' * 32}"


async def test_a_service_account_signs_for_a_token_and_sends_to_nobody(
    script: Script,
    service_account: dict[str, str],
    rsa_key: RSAPrivateKey,
) -> None:
    await script.check("FIREBASE_FCM", (200, TOKEN), (200, {"name": "n"}))

    (first, _, form), (second, headers, body) = script.requests
    assert first == "POST /token"
    (assertion,) = parse_qs(form.decode())["assertion"]
    signed, _, signature = assertion.rpartition(".")
    rsa_key.public_key().verify(decoded(signature), signed.encode(), PKCS1v15(), SHA256())
    claims = json.loads(decoded(signed.split(".")[1]))
    assert claims["aud"] == "https://oauth2.googleapis.com/token"
    assert claims["iss"] == service_account["client_email"]
    assert claims["exp"] - claims["iat"] <= 3_600
    assert second == "POST /v1/projects/our-project/messages:send"
    assert headers["authorization"] == "Bearer ya29.token"
    assert json.loads(body)["validate_only"] is True


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_each_region_gets_a_request_until_one_knows_the_key(
    script: Script, providers: Mapping[str, ProviderFile], client: ProviderClient
) -> None:
    checker = CredentialChecker(regions_at(providers, script.url, script.url + "/eu"), client, {})
    script.answers = [(401, {"errors": []}), (200, {"scopes": ["mail.send"]})]

    checked = await checker.check("SENDGRID", {"apiKey": Secret(b"SG.key")})

    assert (checked.verdict.outcome, checked.verdict.region) == ("ok", "REGION 2")
    assert [asked for asked, _, _ in script.requests] == ["GET /v3/scopes", "GET /eu/v3/scopes"]


REFUSED = (401, SENDGRID_REFUSES)
LOCKED = (403, {"errors": [{"message": "access forbidden"}]})
LACKING = (200, {"scopes": ["mail.batch"]})
SENDING = (200, {"scopes": ["mail.send"]})
BUSY = (503, "busy")
REGIONS: list[tuple[str, Answers, tuple[str, str | None]]] = [
    ("StrongGrid#556", [LOCKED, SENDING], ("ok", "EU")),
    ("StrongGrid#556-no-scope", [LACKING, SENDING], ("ok", "EU")),
    ("the-first-is-enough", [SENDING, BUSY], ("ok", "GLOBAL")),
    ("down-then-ok", [BUSY, SENDING], ("ok", "EU")),
    ("all-refuse", [REFUSED, REFUSED], ("invalid", None)),
    ("one-is-down", [REFUSED, BUSY], ("inconclusive", None)),
    ("one-is-down-first", [BUSY, REFUSED], ("inconclusive", None)),
    ("one-knows-it", [REFUSED, LACKING], ("insufficient", "EU")),
    ("one-knows-it-the-other-is-down", [BUSY, LACKING], ("inconclusive", "EU")),
    ("the-other-is-down-later", [LACKING, BUSY], ("inconclusive", "GLOBAL")),
    ("lock-and-down", [LOCKED, BUSY], ("inconclusive", None)),
    ("down-and-lock", [BUSY, LOCKED], ("inconclusive", None)),
    ("lock-and-too-many", [LOCKED, (429, "")], ("inconclusive", None)),
    ("lock-and-unexpected", [LOCKED, (302, "")], ("inconclusive", None)),
    ("who-lets-it-in-knows-it", [LOCKED, LACKING], ("insufficient", "EU")),
    ("nobody-lets-it-in", [LOCKED, LOCKED], ("insufficient", None)),
    ("lock-and-refusal", [LOCKED, REFUSED], ("insufficient", None)),
]


@pytest.mark.parametrize(
    ("answers", "found"), [row[1:] for row in REGIONS], ids=[row[0] for row in REGIONS]
)
async def test_of_all_regions_the_most_informative_counts(
    answers: Answers, found: tuple[str, str | None], script: Script
) -> None:
    checked = await script.check("SENDGRID", *answers)

    assert (checked.verdict.outcome, checked.verdict.region) == found


async def test_a_silent_region_leaves_time_to_the_next(
    providers: Mapping[str, ProviderFile],
    client: ProviderClient,
    script: Script,
    provider_that: Callable[..., Any],
) -> None:
    async def stay_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    script.answers = [SENDING]
    async with provider_that(stay_silent) as silent:
        regions = regions_at(providers, silent, script.url)
        checker = CredentialChecker(regions, client, {}, deadline=3.0)
        checked = await checker.check("SENDGRID", {"apiKey": Secret(b"SG.key")})

    assert (checked.verdict.outcome, checked.verdict.region) == ("ok", "REGION 2")
    assert checked.latency_ms < 3_000


async def test_time_that_is_spent_before_the_check_counts(script: Script) -> None:
    checked = await script.checker.check("SENDGRID", script.credentials["SENDGRID"], spent=99)

    assert checked.verdict.outcome == "inconclusive"
    assert script.requests == []


def regions_at(providers: Mapping[str, ProviderFile], *urls: str) -> dict[str, ProviderFile]:
    """Return SendGrid with regions at *urls*, which no file could name: they are not https."""

    regions = [Region(name=f"Region {n}", url=url) for n, url in enumerate(urls, 1)]
    return {"SENDGRID": replace(providers["SENDGRID"], regions=regions)}


async def test_more_checks_at_once_than_the_process_can_bear_are_turned_away(
    checker_at: CheckerAt, provider_that: Callable[..., Any]
) -> None:
    async def stay_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    values = {"apiKey": Secret(b"SG.key")}
    async with provider_that(stay_silent) as url:
        checker = checker_at(url, deadline=0.5)
        full = asyncio.gather(
            *(checker.check("SENDGRID", values) for _ in range(MAX_CONCURRENT_CHECKS))
        )
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):
            await checker.check("SENDGRID", values)
        found = await full

    assert {checked.verdict.outcome for checked in found} == {"inconclusive"}
    assert (await checker.check("SENDGRID", {})).verdict.message == "This is missing: {fields}"
