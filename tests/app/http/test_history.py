"""The history over HTTP: who did what, when, from which value to which, and no secret."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]
Body = dict[str, Any]
PATH = "/en/api/integration"
LOG = "/en/api/history-log"
NEVER = "int_01h455vb4pex5vsknk084sn02q"


def made(client: httpx2.Client, body: Body) -> str:
    """Create an integration and return its id."""
    return client.post(PATH, json=body).json()["result"]["data"]["id"]


def told(client: httpx2.Client, path: str, **parameters: str | int) -> tuple[list[Body], int]:
    """Return the entries and the total of a page of the history."""
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert (result["message"], result["status"]) == ("History fetched successfully", 200)
    return result["data"], result["totalCount"]


def test_the_history_lists_every_change_newest_first(
    client: httpx2.Client, workspace: str, body: Body
) -> None:
    made_at = datetime.now(UTC)
    integration = made(client, body | {"apiKey": "SG.first"})
    client.patch(f"{PATH}/{integration}", json={"name": "m", "senderEmail": None})
    client.post(f"{PATH}/{integration}/toggle", json={"isActive": False})
    client.post(f"{PATH}/{integration}/toggle", json={"isActive": False})  # already so: no entry
    client.post(f"{PATH}/{integration}/toggle", json={"isActive": True})
    client.put(f"{PATH}/{integration}/credentials", json={"apiKey": "SG.second"})
    client.delete(f"{PATH}/{integration}")

    entries, total = told(client, f"{PATH}/{integration}/history")

    assert total == len(entries) == 7
    assert [(entry["action"], entry["resourceName"]) for entry in entries] == [
        ("INTEGRATION_REMOVED", "m"),
        ("CREDENTIALS_ROTATED", "m"),
        ("INTEGRATION_ENABLED", "m"),
        ("INTEGRATION_DISABLED", "m"),
        ("INTEGRATION_UPDATED", "m"),
        ("INTEGRATION_UPDATED", "m"),
        ("INTEGRATION_ADDED", "n"),
    ]
    assert [entry["details"] for entry in entries[1:6]] == [
        {"credentials": [{"field": "apiKey", "version": 2}]},
        {"changes": {"isActive": {"from": False, "to": True}}},
        {"changes": {"isActive": {"from": True, "to": False}}},
        {"changes": {"senderEmail": {"from": "a@example.com", "to": None}}},
        {"changes": {"name": {"from": "n", "to": "m"}}},
    ]
    first = entries[-1]
    assert first["details"]["credentials"] == [{"field": "apiKey", "version": 1}]
    assert first["details"]["changes"]["name"] == {"from": None, "to": "n"}
    positions = [entry["position"] for entry in entries]
    assert positions == sorted(positions, reverse=True)
    created_at = datetime.fromisoformat(first.pop("createdAt"))
    assert abs((created_at - made_at).total_seconds()) < 10
    del first["details"]
    assert first == {
        "id": f"{integration}:1",
        "resourceType": "integration",
        "resourceId": integration,
        "resourceName": "n",
        "action": "INTEGRATION_ADDED",
        "performedBy": {"id": "t", "name": None, "email": None},
        "ipAddress": "127.0.0.1",
        "workspaceId": workspace,
        "position": positions[-1],
    }
    assert "SG." not in client.get(f"{PATH}/{integration}/history").text


@pytest.mark.parametrize("log", [True, False])
def test_filters_and_pages_select_entries(
    service: Service, client: httpx2.Client, workspace: str, body: Body, *, log: bool
) -> None:
    made(client, body)
    integration = made(client, body)
    with service.client("--subject", "ann", workspace=workspace) as ann:
        for active in (False, True, False):
            ann.post(f"{PATH}/{integration}/toggle", json={"isActive": active})
    path = LOG if log else f"{PATH}/{integration}/history"
    everything, total = told(client, path)
    assert total == len(everything) == (5 if log else 4)
    now = everything[1]["createdAt"]

    def ids(**parameters: str | int) -> tuple[list[str], int]:
        entries, total = told(client, path, **parameters)
        return [entry["id"] for entry in entries], total

    off, on, off_first, added = (f"{integration}:{version}" for version in (4, 3, 2, 1))
    assert ids(action="INTEGRATION_DISABLED") == ([off, off_first], 2)
    assert ids(userId="ann") == ([off, on, off_first], 3)
    assert ids(userId="ann", action="INTEGRATION_ENABLED") == ([on], 1)
    assert ids(userId="nobody") == ([], 0)
    assert ids(startDate=now, endDate=now)[0].count(on) == 1
    assert ids(startDate="2000-01-01", endDate="2001-01-01") == ([], 0)
    assert ids(endDate=datetime.now(UTC).date().isoformat())[1] == total  # its whole day
    assert ids(limit=1, page=2) == ([on], total)
    assert ids(userId="ann", limit=2, page=2) == ([off_first], 3)
    assert ids(page=1_000) == ([], total)
    if log:
        whole = ([off, on, off_first, added], 4)
        assert ids(resourceId=integration) == whole
        assert ids(resourceId=integration, resourceType="integration") == whole
        assert ids(resourceId=integration, action="INTEGRATION_ADDED") == ([added], 1)
        assert ids(resourceId=NEVER) == ([], 0)
        assert ids(resourceId="no id") == ([], 0)


def test_a_page_has_20_entries_by_default(client: httpx2.Client, body: Body) -> None:
    for _ in range(21):
        made(client, body)
    assert [len(told(client, LOG, page=page)[0]) for page in (1, 2)] == [20, 1]
    assert len(told(client, LOG, limit=200)[0]) == 21


def test_every_wrong_parameter_is_named_and_no_value_repeated(
    client: httpx2.Client, problem: Problem
) -> None:
    wrong = "resourceType=secretly&action=secretly&userId=&startDate=secretly&limit=201&page=0&x=1"
    result = problem(client.get(f"{LOG}?{wrong}"), 400, "VALIDATION_ERROR")
    assert [(each["field"], each["code"]) for each in result["details"]] == [
        ("resourceType", "NOT_ALLOWED"),
        ("action", "NOT_ALLOWED"),
        ("userId", "WRONG_LENGTH"),
        ("startDate", "INVALID_TIME"),
        ("limit", "OUT_OF_RANGE"),
        ("page", "OUT_OF_RANGE"),
        ("x", "UNKNOWN_PARAMETER"),
    ]
    assert "secretly" not in str(result)
    one = client.get(f"{PATH}/{NEVER}/history", params={"resourceId": NEVER})
    assert [each["field"] for each in problem(one, 400, "VALIDATION_ERROR")["details"]] == [
        "resourceId"
    ]


@pytest.mark.parametrize("path", [LOG, f"{PATH}/{NEVER}/history"])
def test_the_history_requires_the_audit_permission(
    service: Service, workspace: str, problem: Problem, path: str
) -> None:
    with service.client("--permission", "integrations:view", workspace=workspace) as viewer:
        problem(viewer.get(path), 403, "FORBIDDEN")
    with service.client("--permission", "audit:view", workspace=workspace) as auditor:
        assert auditor.get(path).status_code in (200, 404)


def test_an_unknown_integration_has_no_history(
    service: Service, client: httpx2.Client, body: Body, problem: Problem
) -> None:
    integration = made(client, body)
    with service.caller("http-somebody-else") as stranger:
        answers = [
            stranger.get(f"{PATH}/{integration}/history"),
            stranger.get(f"{PATH}/{NEVER}/history"),
            stranger.get(f"{PATH}/{NEVER}/history", params={"action": "INTEGRATION_ADDED"}),
            stranger.get(f"{PATH}/malformed/history"),
            stranger.get("/en/api/nowhere"),
        ]
        assert told(stranger, LOG, resourceId=integration) == ([], 0)
    results = [problem(answer, 404, "NOT_FOUND") for answer in answers]
    assert all(a | {"requestId": ""} == results[0] | {"requestId": ""} for a in results)
    # Here it is known, though nothing of it matches.
    assert told(client, f"{PATH}/{integration}/history", userId="nobody") == ([], 0)


def test_a_client_that_has_the_page_gets_no_body(client: httpx2.Client, body: Body) -> None:
    made(client, body)
    tag = client.get(LOG).headers["etag"]
    assert client.get(LOG, headers={"If-None-Match": tag}).status_code == 304
    made(client, body)
    assert client.get(LOG, headers={"If-None-Match": tag}).status_code == 200


def test_the_message_is_in_the_language_of_the_path(client: httpx2.Client) -> None:
    answer = client.get("/de/api/history-log")
    assert answer.json()["result"]["message"] == "Verlauf erfolgreich abgerufen"
    assert answer.headers["content-language"] == "de"
