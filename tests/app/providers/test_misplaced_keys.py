"""A value in the wrong field: the warning and the check name the same field."""

import json

import pytest

from app.http.errors import FieldFinding
from app.http.integrations.bodies import create_schema
from app.http.integrations.warnings import find_warnings
from app.providers.registry import load_providers
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script
from tests.support.account_forms import FORMS
from tests.support.private_keys import PUBLIC_SPELLINGS, make_key

Given = dict[str, str]
Warned = dict[str, str]
PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
AC, OTHER, SK = "AC" + "0b" * 16, "AC" + "9c" * 16, "SK" + "1d" * 16
TOKEN = "0a1b2c3d4e5f" + "60718293a4b5c6d7e8f9"
SG, ELASTIC = "SG." + "a" * 22 + "." + "b" * 43, "AB" * 48
PUBLIC, PRIVATE = PUBLIC_SPELLINGS["base64url"](make_key(1)), "aC" * 21 + "E"
KEY_SECRET = "aB3dE6gH" * 4
ACCOUNT = "settings.accountSid"
# Type, what is given, and for each field that is warned of, the field that its value looks like
# (or the code of another warning).
ROWS: list[tuple[str, Given, Warned]] = [
    # a key in a field that the type does not use
    ("SENDGRID", {"apiSecret": SG}, {"apiSecret": "apiKey"}),
    ("SENDGRID", {"vapidPrivateKey": SG}, {"vapidPrivateKey": "apiKey"}),
    ("SENDGRID", {"vapidPublicKey": SG}, {"vapidPublicKey": "apiKey"}),
    ("SENDGRID", {"apiKey": "x", "apiSecret": SG},
     {"apiKey": "UNUSUAL_FORMAT", "apiSecret": "apiKey"}),
    ("SENDGRID", {"apiKey": SG, "apiSecret": SG}, {"apiSecret": "NOT_USED"}),
    ("SENDGRID", {"apiSecret": "x"}, {"apiSecret": "NOT_USED"}),
    ("ELASTIC_EMAIL", {"apiSecret": ELASTIC}, {"apiSecret": "apiKey"}),
    ("TWILIO", {"apiKey": AC, "vapidPrivateKey": TOKEN}, {"vapidPrivateKey": "apiSecret"}),
    ("TWILIO", {"apiSecret": TOKEN, "vapidPublicKey": AC}, {"vapidPublicKey": "apiKey"}),
    ("NEXMO", {"apiKey": "ab12cd34", "vapidPrivateKey": "ABCDEFGH0123abcd"},
     {"vapidPrivateKey": "apiSecret"}),
    ("WEB_PUSH", {"apiKey": PUBLIC}, {"apiKey": "vapidPublicKey"}),
    ("WEB_PUSH", {"vapidPublicKey": PUBLIC, "apiSecret": PRIVATE},
     {"apiSecret": "vapidPrivateKey"}),
    ("WEB_PUSH", {"apiKey": PUBLIC, "apiSecret": PRIVATE},
     {"apiKey": "vapidPublicKey", "apiSecret": "vapidPrivateKey"}),
    ("FIREBASE_FCM", {"apiSecret": '{"project_id": "p", "private_key": "k"}'},
     {"apiSecret": "apiKey"}),
    # a key in the field of another
    ("TWILIO", {"apiKey": TOKEN, "apiSecret": AC}, {"apiKey": "apiSecret", "apiSecret": "apiKey"}),
    ("TWILIO", {"apiKey": TOKEN, "apiSecret": SK}, {"apiKey": "apiSecret", "apiSecret": "apiKey"}),
    ("TWILIO", {"apiKey": TOKEN}, {"apiKey": "apiSecret"}),
    ("TWILIO", {"apiSecret": SK}, {"apiSecret": "apiKey"}),
    ("TWILIO", {"apiKey": SK, "apiSecret": AC}, {"apiSecret": ACCOUNT}),
    ("TWILIO", {"apiKey": SK, "vapidPrivateKey": AC, "apiSecret": TOKEN},
     {"vapidPrivateKey": ACCOUNT, "apiSecret": "OTHER_KIND"}),
    # what a provider has besides keys
    ("SENDGRID", {"apiKey": AC}, {"apiKey": "OTHER_KIND"}),
    ("SENDGRID", {"apiKey": SK}, {"apiKey": "OTHER_KIND"}),
    ("SENDGRID", {"apiKey": KEY_SECRET[:22]}, {"apiKey": "OTHER_KIND"}),
    ("SENDGRID", {"apiKey": KEY_SECRET[:23]}, {"apiKey": "UNUSUAL_FORMAT"}),
    ("NEXMO", {"apiKey": "0a1b2c3d-0a1b-4c2d-8e3f-0a1b2c3d4e5f", "apiSecret": KEY_SECRET[:16]},
     {"apiKey": "OTHER_KIND"}),
    ("NEXMO", {"apiKey": "ab12cd34", "apiSecret": "-----BEGIN-PRIVATE-KEY-----"},
     {"apiSecret": "OTHER_KIND"}),
    ("FIREBASE_FCM", {"apiKey": "aB3dE6gH9kL:APA91b" + KEY_SECRET * 4},
     {"apiKey": "UNUSUAL_FORMAT"}),
    # one half of each of two kinds
    ("TWILIO", {"apiKey": AC, "apiSecret": TOKEN}, {}),
    ("TWILIO", {"apiKey": SK, "apiSecret": KEY_SECRET}, {}),
    ("TWILIO", {"apiKey": AC, "apiSecret": KEY_SECRET}, {"apiSecret": "OTHER_KIND"}),
    ("TWILIO", {"apiKey": SK, "apiSecret": TOKEN}, {"apiSecret": "OTHER_KIND"}),
    ("TWILIO", {"apiKey": SK, "apiSecret": "0" * 32}, {}),
    ("TWILIO", {"apiKey": f"SID={SK}", "apiSecret": TOKEN},
     {"apiKey": "LOOKS_LIKE_VARIABLE", "apiSecret": "OTHER_KIND"}),
    ("TWILIO", {"apiKey": AC, "apiSecret": OTHER}, {"apiSecret": "UNUSUAL_FORMAT"}),
    ("TWILIO", {"apiKey": TOKEN, "apiSecret": TOKEN}, {"apiKey": "UNUSUAL_FORMAT"}),
    ("NEXMO", {"apiKey": "ABCDEFGH0123abcd", "apiSecret": "ab12cd34"}, {"apiKey": "apiSecret"}),
    ("NEXMO", {"apiKey": "abcd12345", "apiSecret": "ABCDEFGH0123abcd"},
     {"apiKey": "UNUSUAL_FORMAT"}),
    ("NEXMO", {"apiKey": "ab12cd34", "apiSecret": "ab12cd34"}, {"apiSecret": "apiKey"}),
    ("NEXMO", {"apiKey": "ab12cd34", "apiSecret": "ab12cd35"}, {}),
    ("NEXMO", {"apiKey": "ab12cd34", "apiSecret": "xxxxxxxx"}, {"apiSecret": "UNUSUAL_FORMAT"}),
    ("NEXMO", {"apiKey": "ab12cd34", "apiSecret": "password"}, {}),
    ("NEXMO", {"apiKey": "ab12cd34", "apiSecret": "changeme"}, {}),
    ("NEXMO", {"apiKey": "93a8380"}, {"apiKey": "UNUSUAL_FORMAT"}),
    ("NEXMO", {"apiKey": "93a83801c"}, {"apiKey": "UNUSUAL_FORMAT"}),
    ("NEXMO", {"apiKey": "ABCDEFGH0123abcd"}, {"apiKey": "UNUSUAL_FORMAT"}),
    # 87 characters that are no point of the curve
    ("WEB_PUSH", {"vapidPublicKey": PUBLIC}, {}),
    ("WEB_PUSH", {"vapidPublicKey": PUBLIC[:-3] + "xyz"}, {"vapidPublicKey": "UNUSUAL_FORMAT"}),
    ("WEB_PUSH", {"vapidPublicKey": "B" + "aC" * 43}, {"vapidPublicKey": "UNUSUAL_FORMAT"}),
    ("WEB_PUSH", {"apiKey": "B" + "aC" * 43}, {"apiKey": "vapidPublicKey"}),
    ("NEXMO", {"apiKey": "my key is abc"}, {"apiKey": "SPACE_INSIDE"}),
]  # fmt: skip


def found_in(type_: str, given: Given) -> list[FieldFinding]:
    """Return the warnings about a new integration."""
    body = {"name": "n", "type": type_, "channel": PROVIDERS[type_].channel, **given}
    return [*find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS[type_])]


def warnings_of(type_: str, given: Given) -> Warned:
    """Return the code of the warning about each field, or the field that its value looks like."""
    found = found_in(type_, given)
    assert len(found) == len({name for name, _ in found})
    return {str(name): str(each.limits.get("field", each.code)) for name, each in found}


@pytest.mark.parametrize(("type_", "given", "expected"), ROWS)
def test_a_value_in_the_wrong_field_is_sent_to_its_own(
    type_: str, given: Given, expected: Warned
) -> None:
    assert warnings_of(type_, given) == expected


@pytest.mark.parametrize(("type_", "given", "expected"), ROWS)
async def test_the_check_names_the_same_field(
    script: Script, type_: str, given: Given, expected: Warned
) -> None:
    secrets = {name: Secret(value.encode()) for name, value in given.items()}

    verdict = (await script.check(type_, (500, ""), values=secrets)).verdict

    missing = str(verdict.limits.get("fields", "")).split(", ")
    holders = {name for name, owner in expected.items() if owner in missing}
    assert verdict.outcome == "inconclusive"
    assert verdict.limits.get("other") in (holders or {None})


AUTH = {"apiSecret": TOKEN, "accountSid": AC}
SETTINGS: list[tuple[str, dict[str, str], str | None]] = [
    ("the account of an auth token", AUTH, ACCOUNT),
    ("the account of the secret of a key", {**AUTH, "apiSecret": KEY_SECRET}, None),
    ("a key in the place of the secret", {**AUTH, "apiSecret": SK}, "apiSecret"),
    ("another setting", {"apiSecret": TOKEN, "region": "IE1"}, None),
]


@pytest.mark.parametrize(
    ("given", "other"), [s[1:] for s in SETTINGS], ids=[s[0] for s in SETTINGS]
)
async def test_the_check_finds_the_account_s_id_in_the_settings(
    script: Script, given: Given, other: str | None
) -> None:
    values = {name: Secret(value.encode()) for name, value in given.items()}

    verdict = (await script.check("TWILIO", values=values)).verdict

    assert verdict.limits == {"fields": "apiKey"} | ({"other": other} if other else {})


MIXED = {AC: KEY_SECRET, SK: TOKEN}
REFUSED = {"code": 20003, "message": "Authenticate"}
TAKEN: dict[str, object] = {"status": "active", "incoming_phone_numbers": []}


@pytest.mark.parametrize("region", [None, "IE1"])
@pytest.mark.parametrize(("key", "secret"), MIXED.items(), ids=["account", "API key"])
async def test_a_check_names_two_kinds_as_the_cause_of_a_refusal(
    script: Script, key: str, secret: str, region: str | None
) -> None:
    given = {"apiKey": key, "apiSecret": secret}
    place = {"region": region} if region else {}
    values = {name: Secret(v.encode()) for name, v in {**given, **place, "accountSid": AC}.items()}

    refused = [(401, REFUSED)] * (1 if region else 3)
    verdict = (await script.check("TWILIO", *refused, values=values)).verdict
    taken = (await script.check("TWILIO", (200, TAKEN), values=values)).verdict

    (warned,) = [each.message for name, each in found_in("TWILIO", given) if name == "apiSecret"]
    cause = verdict if verdict.reason is None else verdict.reason
    assert (verdict.outcome, cause.message) == ("invalid", warned)
    assert region is None or verdict.limits == {"region": region}
    assert taken.outcome == "ok"


# ----- Service accounts that lack something, in any form -----
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lacks", ["type", "project_id", "client_email", "private_key"])
async def test_an_account_that_lacks_something_is_called_incomplete(
    script: Script, service_account: dict[str, str], lacks: str, form: str
) -> None:
    text = json.dumps({name: text for name, text in service_account.items() if name != lacks})
    pasted = text if "private_key" in lacks else FORMS[form](text)

    checked = await script.check("FIREBASE_FCM", values={"apiKey": Secret(pasted.encode())})

    codes = [each.code for _, each in found_in("FIREBASE_FCM", {"apiKey": pasted})]
    assert "INCOMPLETE_ACCOUNT" in codes
    assert "UNUSUAL_FORMAT" not in codes
    assert checked.verdict.outcome == "inconclusive"
    assert checked.verdict.message.startswith("This is not the whole JSON of a service account")
    assert script.requests == []


LEGACY_KEY = "AAAA1234567:" + "a" * 140


@pytest.mark.parametrize("form", ["as it is", "base64", "base64url", "single quotes", "a variable"])
async def test_a_legacy_key_is_named_and_retired_in_any_form(script: Script, form: str) -> None:
    pasted = FORMS[form](LEGACY_KEY)

    warned = found_in("FIREBASE_FCM", {"apiKey": pasted})
    checked = await script.check("FIREBASE_FCM", values={"apiKey": Secret(pasted.encode())})

    [named] = [each.message for _, each in warned if each.code == "OTHER_KIND"]
    assert (checked.verdict.outcome, checked.verdict.message) == ("retired", named)
    assert script.requests == []
