"""What a check makes of the settings: address, header, account and what is missing."""

from base64 import b64decode

import pytest

from app.locales.catalogues import load_catalogues
from app.providers.errors import ProviderFileError
from app.providers.provider_file import ProviderFile
from app.providers.registry import load_providers, parse_provider
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script
from tests.support.any_provider import SENDGRID_REFUSES

SID, KEY_SID, KEY_SECRET = "AC" + "0" * 32, "SK" + "1" * 32, "aB3" * 10 + "xy"
API_KEY = {"apiKey": KEY_SID, "apiSecret": KEY_SECRET}
OF_ACCOUNT = {**API_KEY, "accountSid": SID}
SUBACCOUNT = "AC" + "77aa" * 8
AUTH_TOKEN = {"apiKey": SID, "apiSecret": "1" * 32}
SENDGRID_KEY = {"apiKey": "SG." + "a" * 22 + "." + "b" * 43}
REFUSED = (401, {"code": 20003, "message": "Authenticate", "status": 401})
NUMBERS = (200, {"incoming_phone_numbers": [{"phone_number": "+15551234567"}], "page": 0})
ACTIVE = (200, {"status": "active", "auth_token": "t"})
MAY_SEND = (200, {"scopes": ["mail.send"]})
NUMBERS_PATH = f"GET /2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json?PageSize=1"
Row = tuple[str, str, dict[str, str], list[tuple[int, object]], tuple[str, str | None, int]]

# Kind, type, credentials with settings, answers; outcome, region and number of requests.
REGIONS: list[Row] = [
    ("named", "TWILIO", {**OF_ACCOUNT, "region": "US1"}, [NUMBERS], ("ok", "US1", 1)),
    ("named", "TWILIO", {**OF_ACCOUNT, "region": "IE1"}, [NUMBERS], ("ok", "IE1", 1)),
    ("named", "TWILIO", {**OF_ACCOUNT, "region": "AU1"}, [NUMBERS], ("ok", "AU1", 1)),
    ("named", "TWILIO", {**OF_ACCOUNT, "region": "IE1"}, [REFUSED], ("invalid", None, 1)),
    ("named", "TWILIO", {**AUTH_TOKEN, "region": "AU1"}, [ACTIVE], ("ok", "AU1", 1)),
    ("named", "SENDGRID", {**SENDGRID_KEY, "region": "EU"}, [MAY_SEND], ("ok", "EU", 1)),
    ("named", "SENDGRID", {**SENDGRID_KEY, "region": "GLOBAL"}, [MAY_SEND], ("ok", "GLOBAL", 1)),
    ("all", "TWILIO", OF_ACCOUNT, [REFUSED, NUMBERS], ("ok", "IE1", 2)),
    ("all", "TWILIO", OF_ACCOUNT, [REFUSED], ("invalid", None, 3)),
    ("all", "TWILIO", AUTH_TOKEN, [REFUSED, REFUSED, ACTIVE], ("ok", "AU1", 3)),
    # https://www.twilio.com/docs/api/errors/70051: a Restricted key without this permission
    ("restricted", "TWILIO", {**OF_ACCOUNT, "region": "US1"},
     [(401, {"code": 70051, "status": 401})], ("insufficient", None, 1)),
    ("restricted", "TWILIO", {**OF_ACCOUNT, "region": "US1"},
     [(403, {"code": 70051, "status": 403})], ("insufficient", None, 1)),
]  # fmt: skip


def secrets(values: dict[str, str]) -> dict[str, Secret]:
    return {name: Secret(value.encode()) for name, value in values.items()}


@pytest.mark.parametrize(
    ("type_", "values", "answers", "expected"),
    [pytest.param(*row[1:], id=f"{row[0]}: {row[1]} {row[4]}") for row in REGIONS],
)
async def test_settings_choose_the_region(
    script: Script,
    type_: str,
    values: dict[str, str],
    answers: list[tuple[int, object]],
    expected: tuple[str, str | None, int],
) -> None:
    checked = await script.check(type_, *answers, values=secrets(values))
    assert (checked.verdict.outcome, checked.verdict.region, len(script.requests)) == expected


@pytest.mark.parametrize(("region", "named"), [("EU", True), ("GLOBAL", True), (None, False)])
async def test_a_refusal_in_one_region_says_that_others_were_not_asked(
    script: Script, region: str | None, *, named: bool
) -> None:
    refused = (401, SENDGRID_REFUSES)
    values = SENDGRID_KEY | ({"region": region} if region else {})

    verdict = (await script.check("SENDGRID", refused, values=secrets(values))).verdict

    said = verdict.text(load_catalogues().english)
    assert verdict.outcome == "invalid"
    advice = f"Only the region {region} was asked: compare settings.region before you make a new"
    assert said.startswith(advice) is named


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("US1", "https://api.twilio.com"),
        ("IE1", "https://api.dublin.ie1.twilio.com"),
        ("AU1", "https://api.sydney.au1.twilio.com"),
    ],
)
def test_a_region_has_the_address_that_the_provider_documents(region: str, host: str) -> None:
    regions = {each.name: each.url for each in load_providers()["TWILIO"].regions}
    assert regions[region] == host


async def test_an_api_key_is_checked_with_its_account(script: Script) -> None:
    await script.check("TWILIO", NUMBERS, values=secrets(OF_ACCOUNT))
    [(line, headers, _)] = script.requests
    assert line == NUMBERS_PATH
    encoded = headers["authorization"].removeprefix("Basic ")
    assert b64decode(encoded).decode() == f"{KEY_SID}:{KEY_SECRET}"


@pytest.mark.parametrize(
    ("keys", "account", "path"),
    [
        (AUTH_TOKEN, {}, f"{SID}.json"),
        (AUTH_TOKEN, {"accountSid": SID}, f"{SID}.json"),
        # https://www.twilio.com/docs/iam/api/subaccounts: of the main account
        (AUTH_TOKEN, {"accountSid": SUBACCOUNT}, f"{SUBACCOUNT}.json"),
        (API_KEY, {"accountSid": SUBACCOUNT}, f"{SUBACCOUNT}/IncomingPhoneNumbers.json?PageSize=1"),
    ],
)
async def test_the_account_of_the_settings_is_checked(
    script: Script, keys: dict[str, str], account: dict[str, str], path: str
) -> None:
    suspended = (200, {"status": "suspended"})
    await script.check("TWILIO", suspended, values=secrets({**keys, **account}))
    assert script.requests[0][0] == f"GET /2010-04-01/Accounts/{path}"
    encoded = script.requests[0][1]["authorization"].removeprefix("Basic ")
    assert b64decode(encoded).decode() == f"{keys['apiKey']}:{keys['apiSecret']}"


async def test_an_api_key_without_its_account_is_not_sent(script: Script) -> None:
    checked = await script.check("TWILIO", NUMBERS, values=secrets(API_KEY))
    assert script.requests == []
    assert (checked.verdict.outcome, checked.verdict.limits) == (
        "inconclusive",
        {"fields": "settings.accountSid"},
    )


@pytest.mark.parametrize("value", ["shop", "account-id 12"])
async def test_a_setting_becomes_a_header(script: Script, value: str) -> None:
    await script.check("SENDGRID", MAY_SEND, values=secrets({**SENDGRID_KEY, "onBehalfOf": value}))
    assert script.requests[0][1]["on-behalf-of"] == value


@pytest.mark.parametrize(
    ("settings", "says_so"), [({}, False), ({"onBehalfOf": "shop"}, True)], ids=str
)
async def test_a_key_that_works_on_behalf_of_another_account_is_said_to_send_nothing(
    script: Script, settings: dict[str, str], *, says_so: bool
) -> None:
    # https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/on-behalf-of
    checked = await script.check("SENDGRID", MAY_SEND, values=secrets(SENDGRID_KEY | settings))
    assert checked.verdict.outcome == "ok"
    assert ("sends no mail with that setting" in checked.verdict.message) is says_so


async def test_without_the_setting_there_is_no_header(script: Script) -> None:
    await script.check("SENDGRID", MAY_SEND, values=secrets(SENDGRID_KEY))
    assert "on-behalf-of" not in script.requests[0][1]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "Zoë", " a"])
async def test_a_setting_cannot_leave_its_header(script: Script, value: str) -> None:
    # "b" keeps the value from being trimmed
    values = secrets({**SENDGRID_KEY, "onBehalfOf": f"{value}\x00b"})
    checked = await script.check("SENDGRID", MAY_SEND, values=values)
    assert script.requests == []
    assert checked.verdict.outcome == "inconclusive"


def file_with(settings: str, path: str = "/x") -> bytes:
    return f"""
type = "OTHER"
channel = "SMS"
name = "Other"
fields.apiKey = {{ label = "l", help = "h", example = "e" }}
{settings}
[[regions]]
name = "Global"
url = "https://api.example.com"
[check]
kind = "http"
method = "GET"
path = "{path}"
auth = {{ kind = "bearer", field = "apiKey" }}
rules = []
""".encode()


def test_a_file_of_an_operator_may_use_its_settings() -> None:
    text = 'settings.account = { label = "l", help = "h", example = "e" }'
    provider: ProviderFile = parse_provider(file_with(text, "/{account}"), "other.toml")
    assert set(provider.settings) == {"account"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ("", "/{account}"),
        ('settings.apiKey = { label = "l", help = "h", example = "e" }', "/x"),
        ('settings.a = { label = "l", help = "h", example = "e", format = "(" }', "/x"),
        ('settings.region = { label = "l", help = "h", example = "EU", choices = ["EU"] }', "/x"),
        ('settings.region = { label = "l", help = "h", example = "Global" }', "/x"),
        ('[[regions]]\nname = "GLOBAL"\nurl = "https://api2.example.com"', "/x"),
    ],
    ids=["not there", "name of a field", "format", "no such region", "any region", "one name"],
)
def test_a_wrong_file_is_refused(settings: str, path: str) -> None:
    with pytest.raises(ProviderFileError):
        parse_provider(file_with(settings, path), "other.toml")
