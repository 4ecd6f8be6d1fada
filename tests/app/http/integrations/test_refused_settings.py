"""Settings that are refused, with the field, the code and a hint."""

from collections.abc import Callable

import httpx2
import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES

from tests.app.http.conftest import Problem
from tests.support.settings import (
    EXAMPLE,
    KEY_SID,
    NO_CONTACT,
    PATH,
    SID,
    Json,
    body_of,
    created,
    shown,
    wrong,
)

TOO_LONG = "x" * 513


# Kind, type, settings, and field and code of what is wrong.
REFUSED: list[tuple[str, str, object, tuple[str, str]]] = [
    ("no object", "TWILIO", "US1", ("settings", "WRONG_TYPE")),
    ("no object", "TWILIO", [], ("settings", "WRONG_TYPE")),
    ("no object", "ELASTIC_EMAIL", True, ("settings", "WRONG_TYPE")),
    ("no string", "TWILIO", {"region": 1}, ("settings.region", "WRONG_TYPE")),
    ("no string", "SENDGRID", {"onBehalfOf": {}}, ("settings.onBehalfOf", "WRONG_TYPE")),
    ("no string", "WEB_PUSH", {"contact": ["x"]}, ("settings.contact", "WRONG_TYPE")),
    ("empty", "TWILIO", {"accountSid": ""}, ("settings.accountSid", "WRONG_LENGTH")),
    ("blank", "WEB_PUSH", {"contact": " \n"}, ("settings.contact", "INVISIBLE_TEXT")),
    ("too long", "WEB_PUSH", {"contact": TOO_LONG}, ("settings.contact", "WRONG_LENGTH")),
    ("control", "WEB_PUSH", {"contact": "a\x00b"}, ("settings.contact", "CONTROL_CHARACTER")),
    ("unknown name", "TWILIO", {"edge": "dublin"}, ("settings.edge", "UNKNOWN_FIELD")),
    ("unknown name", "TWILIO", {"Region": "US1"}, ("settings.Region", "UNKNOWN_FIELD")),
    ("unknown name", "TWILIO", {"edge": None}, ("settings.edge", "UNKNOWN_FIELD")),
    ("name is not plain", "TWILIO", {"a b": "x"}, ("settings", "UNKNOWN_FIELD")),
    ("name is not plain", "TWILIO", {"<b>": "x"}, ("settings", "UNKNOWN_FIELD")),
    ("name is not plain", "TWILIO", {"x" * 33: "x"}, ("settings", "UNKNOWN_FIELD")),
    ("another's name", "TWILIO", {"onBehalfOf": "x"}, ("settings.onBehalfOf", "UNKNOWN_FIELD")),
    ("another's name", "SENDGRID", {"accountSid": SID}, ("settings.accountSid", "UNKNOWN_FIELD")),
    ("another's name", "WEB_PUSH", {"region": "EU"}, ("settings.region", "UNKNOWN_FIELD")),
    ("none at all", "NEXMO", {"region": "EU"}, ("settings.region", "UNKNOWN_FIELD")),
    ("none at all", "ELASTIC_EMAIL", {"contact": "x"}, ("settings.contact", "UNKNOWN_FIELD")),
    ("none at all", "FIREBASE_FCM", {"region": "EU"}, ("settings.region", "UNKNOWN_FIELD")),
    ("choice", "TWILIO", {"region": "EU"}, ("settings.region", "NOT_ALLOWED")),
    ("choice", "SENDGRID", {"region": "REGION=moon"}, ("settings.region", "NOT_ALLOWED")),
    ("choice", "SENDGRID", {"region": "IE1"}, ("settings.region", "NOT_ALLOWED")),
    ("format", "TWILIO", {"accountSid": KEY_SID}, ("settings.accountSid", "INVALID_FORMAT")),
    ("format", "TWILIO", {"accountSid": SID + "0"}, ("settings.accountSid", "INVALID_FORMAT")),
    ("format", "SENDGRID", {"onBehalfOf": "a b"}, ("settings.onBehalfOf", "INVALID_FORMAT")),
    ("format", "SENDGRID", {"onBehalfOf": "Zoë"}, ("settings.onBehalfOf", "INVALID_FORMAT")),
    # https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/on-behalf-of
    *[
        ("format", "SENDGRID", {"onBehalfOf": value}, ("settings.onBehalfOf", "INVALID_FORMAT"))
        for value in (
            *("account-id", "account-id ", "Account-Id", "ACCOUNT_ID", "account-id:12"),
            *("account-id=12", "account-id: 12", "Account-ID 12", "account-id  12"),
            *("account-id <12>", "on-behalf-of:shop", "On-Behalf-Of: account-id 12"),
            *("ACCOUNT_ID=12", "SHOP=Name", "subuser=acme-sub", "sendgrid.subuser=acme-sub"),
            *("subuser:acme-sub", "[acme-sub]", "'acme-sub", "On behalf of: acme-sub"),
        )
    ],
    ("format", "WEB_PUSH", {"contact": "a@example.com"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "http://a.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://-"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:a@."}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": '""'}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:A <a@b.c>"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:a@localhost"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:a b@c.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https:///a"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://a b.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://me:pw@a.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://[::1"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://[dead]/"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://a.example/<b>"}, NO_CONTACT),
    *[
        ("format", "WEB_PUSH", {"contact": value}, NO_CONTACT)
        for value in (
            *("https://acme.com/c|acme.com", "https://acme.com/?a|b", "mailto:a|b@acme.com"),
            *("https://acme.com/a b", 'https://acme.com/"a"b', "\\nmailto: a@acme.com"),
        )
    ],
    *[
        ("format", "WEB_PUSH", {"contact": value}, NO_CONTACT)
        for value in (
            *("https://https://acme.com", "https://http://acme.com", "mailto:mailto:a@acme.com"),
            *("https://mailto:a@acme.com", "mailto:https://acme.com", "mailto:a@acme..com"),
            *("https://user:pass@acme.com", "HTTPS://user@acme.com/a", "https://a:b@localhost"),
            *("https://acme..com", "https://acme..com:8443/a"),
        )
    ],
    ("format", "WEB_PUSH", {"contact": "javascript:alert(1)"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://0x7f.0.0.1/"}, NO_CONTACT),
]  # fmt: skip


# Hosts that push services do not reach: domains that no mail reaches either (RFC 6761, RFC 9476),
# networks of a company, addresses.
LOCAL_HOSTS = [
    *(f"push.{domain}" for domain in SPECIAL_USE_DOMAIN_NAMES),
    *(f"a.Push.{domain.title()}." for domain in SPECIAL_USE_DOMAIN_NAMES),
    *("localhost", "LocalHost", "intranet", "acme.internal", "Acme.Internal.", "push.alt"),
    *("127.0.0.1", "127.1", "2130706433", "256.1.1.1", "192.168.1.10", "8.8.8.8"),
    *("[::1]", "[fd00::1]", "[2606:4700:4700::1111]"),
]


@pytest.fixture
def refused(problem: Problem) -> Callable[[httpx2.Response], list[tuple[str, str]]]:
    """Return field and code of each thing that an answer, 400, says is wrong."""
    return lambda answer: wrong(problem(answer, 400, "VALIDATION_ERROR")["details"])


@pytest.mark.parametrize(
    ("type_", "settings", "expected"),
    [pytest.param(*row, id=f"{kind}: {row[0]} {str(row[1])[:40]}") for kind, *row in REFUSED],
)
def test_wrong_settings_are_refused(
    refused: Callable[[httpx2.Response], list[tuple[str, str]]],
    client: httpx2.Client,
    type_: str,
    settings: object,
    expected: tuple[str, str],
) -> None:
    integration = created(client, body_of(type_))
    create = client.post(PATH, json=body_of(type_, settings=settings))
    change = client.patch(f"{PATH}/{integration['id']}", json={"settings": settings})
    for answer in (create, change):
        assert refused(answer) == [expected]
    assert shown(client, f"{PATH}/{integration['id']}") == integration


def test_an_error_shows_an_example_and_never_the_value(client: httpx2.Client) -> None:
    settings = {"accountSid": "mine-12345", "region": "moon", "z z": "hidden-1", "c": "hidden-2"}
    answer = client.post(PATH, json=body_of("TWILIO", settings=settings))
    assert not any(value in answer.text for value in [*settings.values(), "z z"])
    known = {name: settings[name] for name in ("accountSid", "region")}
    result = client.post(PATH, json=body_of("TWILIO", settings=known)).json()["result"]
    assert [each["message"] for each in result["details"]] == [
        f"This must look like {EXAMPLE}",
        "This must be one of: AU1, IE1, US1",
    ]


@pytest.mark.parametrize(
    ("type_", "settings", "hint"),
    [
        ("TWILIO", {"accountSid": "mine"}, f"This must look like {EXAMPLE}"),
        (
            "WEB_PUSH",
            {"contact": "example.com/contact"},
            "This must look like one of these: mailto:push@example.com, https://example.com/contact",
        ),
        ("WEB_PUSH", {"contact": "ops@example.com"}, "Write mailto: in front of the email address"),
        (
            "WEB_PUSH",
            {"contact": "ops@münchen.example"},
            "Write mailto: in front of the email address",
        ),
        ("WEB_PUSH", {"contact": "http://example.com/"}, "Write https: instead of http:"),
        (
            "SENDGRID",
            {"onBehalfOf": "my shop"},
            "This must look like one of these: example-subuser, account-id 12345678",
        ),
    ],
)
def test_a_hint_says_each_form(
    client: httpx2.Client, type_: str, settings: Json, hint: str
) -> None:
    answer = client.post(PATH, json=body_of(type_, settings=settings))
    assert [each["message"] for each in answer.json()["result"]["details"]] == [hint]


@pytest.mark.parametrize("host", LOCAL_HOSTS)
@pytest.mark.parametrize(
    "form", ["https://{}", "HTTPS://{}:8443/a?b", "https://{}#a", "mailto:a@{}"]
)
def test_a_contact_is_on_the_internet(client: httpx2.Client, host: str, form: str) -> None:
    body = body_of("WEB_PUSH", settings={"contact": form.format(host)})
    details = client.post(PATH, json=body).json()["result"]["details"]
    hint = "Give the name of a host on the internet; push services refuse others"
    assert [(*wrong([each])[0], each["message"]) for each in details] == [(*NO_CONTACT, hint)]
