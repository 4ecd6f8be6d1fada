"""GET /integration-types: the fields that a form for each provider needs."""

from pathlib import Path
from typing import Any

import httpx2

from tests.support.service import Service

PATH = "/en/api/integration-types"


def types_from(client: httpx2.Client, path: str = PATH) -> dict[str, dict[str, Any]]:
    result = client.get(path).json()["result"]
    return {found["type"]: found for found in result["data"]}


def test_the_six_documented_types_are_listed(client: httpx2.Client) -> None:
    answer = client.get(PATH)

    result = answer.json()["result"]
    assert answer.status_code == 200
    assert result["message"] == "Integration types fetched successfully"
    assert (result["status"], result["totalCount"]) == (200, 6)
    assert [(t["type"], t["channel"], t["displayName"]) for t in result["data"]] == [
        ("ELASTIC_EMAIL", "EMAIL", "Elastic Email"),
        ("FIREBASE_FCM", "PUSH", "Firebase Cloud Messaging (legacy)"),
        ("NEXMO", "SMS", "Vonage (Nexmo)"),
        ("SENDGRID", "EMAIL", "SendGrid"),
        ("TWILIO", "SMS", "Twilio"),
        ("WEB_PUSH", "PUSH", "Web Push API (VAPID)"),
    ]
    assert all(found["checkable"] is True for found in result["data"])


def test_a_type_has_its_fields_and_the_hosts_of_its_check(client: httpx2.Client) -> None:
    sendgrid = types_from(client)["SENDGRID"]

    assert list(sendgrid) == [
        "type", "channel", "displayName", "fields", "settings", "regions", "checkable", "guide",
    ]  # fmt: skip
    assert [(f["name"], f["secret"], f["required"]) for f in sendgrid["fields"]] == [
        ("apiKey", True, True),
        ("senderEmail", False, False),
        ("senderName", False, False),
    ]
    assert sendgrid["fields"][0]["label"] == "API key"
    assert sendgrid["regions"] == [
        {"name": "Global", "host": "api.sendgrid.com"},
        {"name": "EU", "host": "api.eu.sendgrid.com"},
    ]


def test_a_type_has_its_settings_with_choices_and_when_they_are_required(
    client: httpx2.Client,
) -> None:
    types = types_from(client)
    assert {
        type_: [each["name"] for each in found["settings"]] for type_, found in types.items()
    } == {
        "ELASTIC_EMAIL": [],
        "FIREBASE_FCM": [],
        "NEXMO": [],
        "SENDGRID": ["region", "onBehalfOf"],
        "TWILIO": ["region", "accountSid"],
        "WEB_PUSH": ["contact"],
    }
    region, account = types["TWILIO"]["settings"]
    assert region == {
        "name": "region",
        "kind": "choice",
        "label": "Provider region",
        "help": "Where the credentials were made; without it all regions are asked",
        "example": "IE1",
        "choices": ["US1", "IE1", "AU1"],
    }
    assert set(account) == {"name", "kind", "label", "help", "example", "requiredWhen"}
    assert account["requiredWhen"] == {"field": "apiKey", "format": "SK.*"}


def test_each_field_and_setting_says_what_a_form_asks_for(client: httpx2.Client) -> None:
    kinds = {
        (type_, shown["name"]): shown["kind"]
        for type_, found in types_from(client).items()
        for shown in (*found["fields"], *found["settings"])
        if shown["kind"] != "text"
    }

    assert kinds == {
        ("ELASTIC_EMAIL", "senderEmail"): "email",
        ("FIREBASE_FCM", "apiKey"): "json",
        ("NEXMO", "senderPhone"): "sender",
        ("SENDGRID", "region"): "choice",
        ("SENDGRID", "senderEmail"): "email",
        ("TWILIO", "region"): "choice",
        ("TWILIO", "senderPhone"): "sender",
    }


def test_a_provider_that_makes_keys_has_a_page_on_how(client: httpx2.Client) -> None:
    guides = {type_: found.get("guide", "") for type_, found in types_from(client).items()}
    documented = Path("docs/providers.md").read_text()

    assert [type_ for type_, guide in guides.items() if not guide] == ["WEB_PUSH"]
    assert all(guide in documented for guide in guides.values())


def test_a_type_that_sends_sms_says_which_senders_it_takes(client: httpx2.Client) -> None:
    senders = {type_: found.get("senders") for type_, found in types_from(client).items()}

    general = ["e164", "short-code", "alphanumeric"]
    assert senders == dict.fromkeys(senders) | {
        "TWILIO": [*general, "whatsapp", "messaging-service"],
        "NEXMO": general,
    }


def test_a_deprecated_type_says_so(client: httpx2.Client) -> None:
    types = types_from(client)

    assert types["FIREBASE_FCM"]["deprecated"].startswith("Server keys of FCM's legacy API ended")
    assert [type_ for type_, found in types.items() if "deprecated" in found] == ["FIREBASE_FCM"]


def test_exactly_the_secret_fields_are_marked_secret(client: httpx2.Client) -> None:
    fields = types_from(client)["WEB_PUSH"]["fields"]

    assert {f["name"]: f["secret"] for f in fields} == {
        "vapidPublicKey": False,
        "vapidPrivateKey": True,
    }


def test_labels_and_help_are_translated_and_examples_are_not(client: httpx2.Client) -> None:
    english, german = types_from(client), types_from(client, "/de-AT/api/integration-types")

    for type_, found in english.items():
        shown = [*found["fields"], *found["settings"]]
        translated = [*german[type_]["fields"], *german[type_]["settings"]]
        for ours, theirs in zip(shown, translated, strict=True):
            assert ours["label"] != theirs["label"]
            assert ours["help"] != theirs["help"]
            assert ours["example"] == theirs["example"]


def test_every_role_may_list_types_and_a_request_without_token_may_not(
    service: Service, workspace: str
) -> None:
    with service.caller(workspace, role="VIEWER") as viewer:
        assert viewer.get(PATH).status_code == 200
    assert httpx2.get(service.address + PATH).status_code == 401
