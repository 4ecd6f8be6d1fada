"""The examples of the document, verbatim, over real HTTP against the started service."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.service import Service

PATH = "/en/api/integration"
CREATE = {
    "SENDGRID": "Create Integration / SendGrid Example",
    "ELASTIC_EMAIL": "Create Integration / Elastic Email",
    "WEB_PUSH": "Create Integration / Web Push VAPID",
    "TWILIO": "Create Integration / Twilio SMS",
}
# The document has no example of these two; its table of types names them.
OTHERS = {
    "NEXMO": {
        "name": "Vonage SMS",
        "type": "NEXMO",
        "channel": "SMS",
        "apiKey": "abc123...",
        "apiSecret": "your_vonage_secret",
        "senderPhone": "+1234567890",
    },
    "FIREBASE_FCM": {
        "name": "Firebase (legacy)",
        "type": "FIREBASE_FCM",
        "channel": "PUSH",
        "apiKey": "AAAAabc123...",
    },
}
FIELDS = {
    "id": str,
    "name": str,
    "type": str,
    "channel": str,
    "isActive": bool,
    "senderEmail": str | None,
    "senderName": str | None,
    "senderPhone": str | None,
    "vapidPublicKey": str | None,
    "workspaceId": str,
    "createdAt": str,
    "updatedAt": str,
}
SECRETS = ("apiKey", "apiSecret", "vapidPrivateKey")
ID = re.compile(r"int_[0-7][0-9a-hjkmnp-tv-z]{25}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def workspace() -> str:
    return f"contract-{uuid4().hex}"


@pytest.fixture
def client(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    with service.caller(workspace) as client:
        yield client


@pytest.fixture(params=[*CREATE, *OTHERS])
def body(request: pytest.FixtureRequest, examples: dict[str, Any]) -> dict[str, Any]:
    """A request to create an integration, one of each type."""
    return OTHERS.get(request.param) or examples[CREATE[request.param]]


@pytest.fixture
def created(client: httpx2.Client) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def create(body: dict[str, Any]) -> dict[str, Any]:
        return client.post(PATH, json=body).json()["result"]["data"]

    return create


def test_the_test_data_are_those_of_the_document_to_the_letter(
    examples: dict[str, Any], code_blocks: dict[str, str]
) -> None:
    assert {title: json.dumps(example, indent=2) for title, example in examples.items()} == (
        code_blocks
    )
    assert list(examples) == list(code_blocks)


def test_the_document_s_tables_name_what_we_test(document: str) -> None:
    object_ = document.partition("## Integration Object")[2]
    types = document.partition("## Integration Types")[2].partition("## ")[0]

    assert set(re.findall(r"^\| (\w+) +\| [a-z]", object_, re.MULTILINE)) == set(FIELDS)
    assert set(re.findall(r"^\| ([A-Z_]+) ", types, re.MULTILINE)) == {*CREATE, *OTHERS}


def test_a_creation_is_answered_as_documented(
    client: httpx2.Client, body: dict[str, Any], workspace: str, examples: dict[str, Any]
) -> None:
    answer = client.post(PATH, json=body)

    result = answer.json()["result"]
    documented = examples["Create Integration / Response"]["result"]
    assert answer.status_code == 201
    assert result.keys() - {"warnings"} == documented.keys()
    assert (result["message"], result["status"]) == (documented["message"], documented["status"])
    assert documented["data"].keys() <= result["data"].keys()
    assert_object(result["data"], body, workspace)
    assert answer.headers["location"] == f"{PATH}/{result['data']['id']}"
    assert answer.headers["content-language"] == "en"
    assert answer.headers["content-type"] == "application/json"


def assert_object(shown: dict[str, Any], body: dict[str, Any], workspace: str) -> None:
    """Check all 12 fields and no other: JSON types, what the request determines, and forms."""
    assert list(shown) == list(FIELDS)
    for name, kind in FIELDS.items():
        assert isinstance(shown[name], kind), name
    public = {name: value for name, value in body.items() if name not in SECRETS}
    determined = dict.fromkeys(FIELDS) | public | {"workspaceId": workspace, "isActive": True}
    free = {"id", "createdAt", "updatedAt"}
    assert {n: v for n, v in shown.items() if n not in free} == {
        n: v for n, v in determined.items() if n not in free
    }
    assert ID.fullmatch(shown["id"])
    assert TIME.fullmatch(shown["createdAt"])
    assert shown["updatedAt"] == shown["createdAt"]


def test_one_is_fetched_as_documented(
    client: httpx2.Client,
    created: Callable[[dict[str, Any]], dict[str, Any]],
    body: dict[str, Any],
    workspace: str,
    examples: dict[str, Any],
) -> None:
    new = created(body)

    answer = client.get(f"{PATH}/{new['id']}")

    documented = examples["Get Integration / Response"]["result"]
    result = answer.json()["result"]
    assert answer.status_code == 200
    assert result == documented | {"data": new}
    assert documented["data"].keys() <= result["data"].keys()
    assert_object(result["data"], body, workspace)


def test_all_are_listed_as_documented_oldest_first(
    client: httpx2.Client,
    created: Callable[[dict[str, Any]], dict[str, Any]],
    examples: dict[str, Any],
) -> None:
    documented = examples["List Integrations / Response"]["result"]
    new = [created(examples[CREATE[type_]]) for type_ in ("SENDGRID", "TWILIO")]

    answer = client.get(PATH)

    assert answer.status_code == 200
    assert answer.json()["result"] == documented | {"data": new}  # message, status, totalCount
    for shown, example in zip(new, documented["data"], strict=True):
        assert example.keys() <= shown.keys()
        for name in ("name", "type", "channel", "isActive", "senderEmail", "senderName"):
            assert name not in example or shown[name] == example[name]


def test_an_empty_workspace_has_an_empty_list(client: httpx2.Client) -> None:
    assert client.get(PATH).json()["result"] == {
        "data": [],
        "message": "Integrations fetched successfully",
        "status": 200,
        "totalCount": 0,
    }


def test_a_deletion_is_answered_as_documented_and_is_for_good(
    client: httpx2.Client,
    created: Callable[[dict[str, Any]], dict[str, Any]],
    body: dict[str, Any],
    examples: dict[str, Any],
) -> None:
    place = f"{PATH}/{created(body)['id']}"

    answer = client.delete(place)

    assert answer.status_code == 200
    assert answer.json() == examples["Delete Integration / Response"]
    assert client.get(place).status_code == 404
    assert client.delete(place).status_code == 404
    assert client.get(PATH).json()["result"]["totalCount"] == 0


def test_null_is_the_same_as_absent_and_is_active_may_be_false(client: httpx2.Client) -> None:
    nothing = dict.fromkeys(("senderEmail", "senderName", "vapidPublicKey", *SECRETS))
    body = {"name": " n ", "type": "TWILIO", "channel": "SMS", "isActive": False, **nothing}

    shown = client.post(PATH, json=body).json()["result"]["data"]

    assert shown["name"] == "n"
    assert shown["isActive"] is False
    assert [shown[name] for name in nothing if name not in SECRETS] == [None, None, None]


def test_no_answer_to_the_document_s_requests_holds_their_secrets(
    client: httpx2.Client, body: dict[str, Any]
) -> None:
    answer = client.post(PATH, json=body)
    place = answer.json()["result"]["data"]["id"]
    answers = [answer, client.get(PATH), client.get(f"{PATH}/{place}")]
    answers.append(client.delete(f"{PATH}/{place}"))

    for secret in (body[name] for name in SECRETS if name in body):
        assert not any(secret in each.text for each in answers)
