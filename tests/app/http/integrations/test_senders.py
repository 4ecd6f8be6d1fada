"""Who an SMS is from (docs/api.md#senders): the kinds of each provider, in creation and change."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.http.sender_phone import sender_rule
from app.providers.registry import load_providers
from tests.support.senders import spellings

PATH = "/en/api/integration"
PROVIDERS = load_providers()
RULE = sender_rule(PROVIDERS)
Problem = Callable[..., dict[str, Any]]
SERVICE_SID = "MG" + "0" * 31 + "f"
UK = "+447700900000"

# The kinds by provider:
# https://www.twilio.com/docs/messaging/api/message-resource (From and MessagingServiceSid)
# https://www.twilio.com/docs/messaging/api/alphasender-resource (A-Z a-z 0-9 space - + _ &, 11)
# https://www.twilio.com/docs/whatsapp/api (whatsapp:+…)
# https://developer.vonage.com/en/messaging/sms/guides/custom-sender-id (15 digits, 11 characters)
KINDS = {
    "e164 (home-assistant/core#28065)": ("+447700900000", "TWILIO NEXMO SENDGRID"),
    "short-code (textris#25, textris#41)": ("12345", "TWILIO NEXMO SENDGRID"),
    "short-code, shortest": ("123", "TWILIO NEXMO SENDGRID"),
    "short-code, longest": ("12345678", "TWILIO NEXMO SENDGRID"),
    "alphanumeric (appwrite#13626)": ("ACME", "TWILIO NEXMO SENDGRID"),
    "alphanumeric, spaces and signs": ("A +-_& 1b2 ", "TWILIO NEXMO SENDGRID"),
    "alphanumeric, longest": ("12345678901"[:10] + "x", "TWILIO NEXMO SENDGRID"),
    "messaging-service (goalert#1922)": (SERVICE_SID, "TWILIO"),
    "whatsapp (novu: Twilio WhatsApp)": ("whatsapp:+14155238886", "TWILIO"),
}
ROWS = [
    pytest.param(sender, type_, type_ in takers.split(), id=f"{kind}-{type_}")
    for kind, (sender, takers) in KINDS.items()
    for type_ in ("TWILIO", "NEXMO", "SENDGRID", "WEB_PUSH")
    if not (type_ == "WEB_PUSH" and "SENDGRID" in takers)  # the same defaults
]


def body(type_: str, sender: object = None) -> dict[str, Any]:
    return {
        "name": "n",
        "type": type_,
        "channel": PROVIDERS[type_].channel,
        "senderPhone": sender,
    }


@pytest.mark.parametrize(("sender", "type_", "taken"), ROWS)
def test_a_provider_takes_the_kinds_of_its_file_in_creation_and_change_alike(
    client: httpx2.Client, problem: Problem, sender: str, type_: str, *, taken: bool
) -> None:
    place = client.post(PATH, json=body(type_)).headers["location"]

    created = client.post(PATH, json=body(type_, sender))
    changed = client.patch(place, json={"senderPhone": sender})

    if taken:
        assert created.status_code == 201, created.text
        assert created.json()["result"]["data"]["senderPhone"] == sender.strip()
        assert changed.json()["result"]["data"]["senderPhone"] == sender.strip()
        return
    refusals = [problem(each, 400, "VALIDATION_ERROR") for each in (created, changed)]
    assert {(r["message"], str(r["details"])) for r in refusals} == {
        (refusals[0]["message"], str(refusals[0]["details"]))
    }
    (detail,) = refusals[0]["details"]
    assert (detail["field"], detail["code"]) == ("senderPhone", "NOT_ALLOWED")
    assert detail["message"].endswith("give one like: +447700900123, 12345, ACME")
    assert sender not in created.text + changed.text


@pytest.mark.parametrize(
    "value", ["447700900000", f"{SERVICE_SID[:-1]}g", " \n", "1" * 121, 447700900000]
)
def test_creation_and_change_refuse_alike(client: httpx2.Client, value: object) -> None:
    place = client.post(PATH, json=body("TWILIO")).headers["location"]
    created = client.post(PATH, json=body("TWILIO", value))
    changed = client.patch(place, json={"senderPhone": value})

    assert (created.status_code, changed.status_code) == (400, 400)
    details = created.json()["result"]["details"]
    assert details == changed.json()["result"]["details"]
    assert [detail["field"] for detail in details] == ["senderPhone"]
    assert client.get(place).json()["result"]["data"]["senderPhone"] is None


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        ("+447700900000", None),
        ("+390612345678", None),
        ("+999999999", "IMPOSSIBLE_PHONE"),
        ("+0000000", "IMPOSSIBLE_PHONE"),
        ("+442079460958", None),
        # With a prefix that is dialled within the country: ITU-T E.164, national numbering plans
        ("+4402079460958", "IMPOSSIBLE_PHONE"),
        ("+7 (8) 912 345 67 89", "IMPOSSIBLE_PHONE"),
        ("+7 8 912 345-67-89", "IMPOSSIBLE_PHONE"),
        ("+36 06 20 123 4567", "IMPOSSIBLE_PHONE"),
        ("+78001234567", None),  # a number that begins like the prefix
        ("whatsapp:+14155238886", None),
        # https://waha.devlike.pro/docs/apps/phone-numbers-mexico/: a 1 behind +52 on WhatsApp alone
        ("whatsapp:+5215512345678", None),
        ("12345", None),
        ("ACME", None),
        ("+ACME", None),
        (SERVICE_SID, None),
    ],
)
def test_only_numbers_can_be_impossible(
    client: httpx2.Client, sender: str, code: str | None
) -> None:
    answer = client.post(PATH, json=body("TWILIO", sender))

    assert answer.status_code == 201
    warnings = answer.json()["result"].get("warnings", [])
    assert [(w["field"], w["code"]) for w in warnings] == ([("senderPhone", code)] if code else [])


def test_a_sender_is_found_by_its_digits(client: httpx2.Client) -> None:
    client.post(PATH, json=body("TWILIO", "whatsapp: +1 (415) 523-8886"))
    client.post(PATH, json=body("TWILIO", "+44 7700 900000"))

    found = client.get(PATH, params={"q": "5238886"}).json()["result"]["data"]

    assert [each["senderPhone"] for each in found] == ["whatsapp:+14155238886"]


def test_clearing_and_setting_the_same_sender_in_another_spelling(client: httpx2.Client) -> None:
    place = client.post(PATH, json=body("TWILIO", UK)).headers["location"]

    same = client.patch(place, json={"senderPhone": "+44 7700 900000"})
    cleared = client.patch(place, json={"senderPhone": None})

    assert same.headers["etag"] == '"1"'
    assert cleared.json()["result"]["data"]["senderPhone"] is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=spellings().map(lambda each: each[1]) | st.text(max_size=30) | st.text(" +0A(:tel"))
def test_creation_and_change_agree_whatever_is_sent(client: httpx2.Client, value: str) -> None:
    for type_ in ("TWILIO", "NEXMO"):
        place = client.post(PATH, json=body(type_)).headers["location"]

        created = client.post(PATH, json=body(type_, value))
        changed = client.patch(place, json={"senderPhone": value})

        assert created.status_code in (201, 400)
        assert changed.status_code == (200 if created.status_code == 201 else 400)
        if created.status_code == 201:
            shown = created.json()["result"]["data"]["senderPhone"]
            assert changed.json()["result"]["data"]["senderPhone"] == shown
            assert RULE(shown) == shown
        else:
            assert changed.json()["result"]["details"] == created.json()["result"]["details"]
