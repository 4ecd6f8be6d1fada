"""The change feed by requests: what is shown, from where on, to whom, and how long one waits."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

Body = dict[str, Any]
Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
FEED = "/en/api/integration-changes"
SECRET = "SG.a-key-that-nobody-may-see"  # noqa: S105 — of no provider
BEYOND = 10**17


@pytest.fixture
def integration(client: httpx2.Client, body: Body) -> str:
    return created(client, body)


@pytest.fixture
def stranger(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    with service.caller(f"{workspace}-other") as client:
        yield client


def created(client: httpx2.Client, body: Body) -> str:
    answer = client.post(PATH, json={**body, "apiKey": SECRET})
    return answer.json()["result"]["data"]["id"]


def toggle(client: httpx2.Client, integration: str, *, on: bool) -> None:
    answer = client.post(f"{PATH}/{integration}/toggle", json={"isActive": on})
    assert answer.status_code == 200


def changes(client: httpx2.Client, **query: Any) -> dict[str, Any]:
    answer = client.get(FEED, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def told(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(change["type"], change["data"]) for change in result["data"]]


# ----- What is shown -----
def test_a_change_is_a_cloud_event(client: httpx2.Client, integration: str, workspace: str) -> None:
    result = changes(client, after=0)

    [change] = result["data"]
    assert list(change) == [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
    ]  # fmt: skip
    assert change["specversion"] == "1.0"
    assert change["source"] == f"/workspaces/{workspace}/integrations"
    assert change["type"] == "integrations.IntegrationCreated.v1"
    assert change["subject"] == integration
    assert change["datacontenttype"] == "application/json"
    assert (result["after"], result["more"]) == (int(change["id"]), False)
    history = client.get(f"{PATH}/{integration}/history").json()["result"]["data"]
    assert (int(change["id"]), change["time"]) == (history[0]["position"], history[0]["createdAt"])


def test_each_change_says_what_it_changes_and_nothing_else(
    client: httpx2.Client, integration: str
) -> None:
    at = f"{PATH}/{integration}"
    client.patch(at, json={"name": "A name to hide", "senderEmail": "hide@example.com"})
    toggle(client, integration, on=False)
    client.put(f"{at}/credentials", json={"apiKey": f"{SECRET}-2"})
    client.post(f"{at}/check")
    client.delete(at)

    shown = changes(client, after=0)

    key = [{"field": "apiKey", "version": 2}]
    assert told(shown) == [
        ("integrations.IntegrationCreated.v1",
         {"integrationId": integration, "version": 1, "isActive": True,
          "credentials": [{"field": "apiKey", "version": 1}]}),
        ("integrations.IntegrationRenamed.v1", {"integrationId": integration, "version": 2}),
        ("integrations.SenderChanged.v1", {"integrationId": integration, "version": 3}),
        ("integrations.IntegrationToggled.v1",
         {"integrationId": integration, "version": 4, "isActive": False}),
        ("integrations.CredentialsReplaced.v1",
         {"integrationId": integration, "version": 5, "credentials": key}),
        ("integrations.CredentialsChecked.v1", {"integrationId": integration, "version": 6}),
        ("integrations.IntegrationDeleted.v1", {"integrationId": integration, "version": 7}),
    ]  # fmt: skip
    for hidden in (SECRET, "A name to hide", "hide@example.com", "a@example.com", '"t"'):
        assert hidden not in json.dumps(shown)


# ----- From where on -----
def test_without_a_position_it_says_where_the_log_is(
    client: httpx2.Client, integration: str
) -> None:
    now = changes(client)
    assert now["data"] == []

    toggle(client, integration, on=False)

    [(kind, _)] = told(changes(client, after=now["after"]))
    assert kind == "integrations.IntegrationToggled.v1"


def test_pages_join_without_a_gap(client: httpx2.Client, integration: str) -> None:
    for number in range(7):
        toggle(client, integration, on=bool(number % 2))
    versions, after, more = list[int](), 0, True

    while more:
        page = changes(client, after=after, limit=3)
        versions += [change["data"]["version"] for change in page["data"]]
        after, more = page["after"], page["more"]

    assert versions == [1, 2, 3, 4, 5, 6, 7, 8]
    assert changes(client, after=after)["data"] == []


def test_the_position_moves_on_over_what_others_change(
    client: httpx2.Client, stranger: httpx2.Client, integration: str, body: Body
) -> None:
    first = changes(client, after=0)
    assert first["data"][0]["subject"] == integration
    created(stranger, body)

    then = changes(client, after=first["after"])

    assert then["data"] == []
    assert then["after"] > first["after"]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"after": BEYOND}, "after", "BEYOND_HEAD"),
        ({"after": BEYOND, "wait": 30}, "after", "BEYOND_HEAD"),
        ({"after": -1}, "after", "OUT_OF_RANGE"),
        ({"after": 10**18}, "after", "OUT_OF_RANGE"),
        ({"after": "x"}, "after", "WRONG_TYPE"),
        ({"limit": 0}, "limit", "OUT_OF_RANGE"),
        ({"limit": 501}, "limit", "OUT_OF_RANGE"),
        ({"wait": 31}, "wait", "OUT_OF_RANGE"),
        ({"wait": 1.5}, "wait", "WRONG_TYPE"),
        ({"since": 1}, "since", "UNKNOWN_PARAMETER"),
    ],
)
def test_what_is_no_position_number_or_time_is_refused(
    client: httpx2.Client, problem: Problem, query: Body, field: str, code: str
) -> None:
    result = problem(client.get(FEED, params=query), 400, "VALIDATION_ERROR")

    assert [(detail["field"], detail["code"]) for detail in result["details"]] == [(field, code)]


# ----- Waiting -----
def test_who_waits_gets_the_next_change_at_once(client: httpx2.Client, integration: str) -> None:
    after = changes(client)["after"]
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(changes, client, after=after, wait=30)
        time.sleep(0.3)
        assert not waiting.done()
        began = time.monotonic()
        toggle(client, integration, on=False)
        [(kind, _)] = told(waiting.result())

    assert kind == "integrations.IntegrationToggled.v1"
    assert time.monotonic() - began < 10  # not the 30 s of the wait


def test_who_waits_for_nothing_gets_nothing_after_that_time(
    client: httpx2.Client, stranger: httpx2.Client, integration: str, body: Body
) -> None:
    after = changes(client, after=0)["after"]
    created(stranger, body)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(changes, client, after=after, wait=2)
        time.sleep(0.3)
        created(stranger, body)  # which wakes nobody here
        result = waiting.result()

    assert integration
    assert result["data"] == []
    assert result["after"] > after
    assert time.monotonic() - began >= 2


def test_who_waits_for_what_is_there_does_not_wait(client: httpx2.Client, integration: str) -> None:
    began = time.monotonic()

    [(_, data)] = told(changes(client, after=0, wait=30))

    assert data["integrationId"] == integration
    assert time.monotonic() - began < 10


# ----- Who -----
@pytest.mark.parametrize("permission", ["integrations:view", "integrations:resolve"])
def test_view_or_resolve_is_enough(
    service: Service, workspace: str, integration: str, permission: str
) -> None:
    with service.client("--permission", permission, workspace=workspace) as worker:
        assert told(changes(worker, after=0))[0][1]["integrationId"] == integration


def test_any_other_permission_is_not(service: Service, workspace: str, problem: Problem) -> None:
    others = ("integrations:create", "integrations:edit", "integrations:delete", "audit:view")
    options = [option for each in others for option in ("--permission", each)]
    with service.client(*options, workspace=workspace) as client:
        problem(client.get(FEED), 403, "FORBIDDEN")


def test_nothing_of_another_workspace_is_shown(
    client: httpx2.Client, stranger: httpx2.Client, integration: str, body: Body
) -> None:
    own = created(stranger, body)

    shown = stranger.get(FEED, params={"after": 0}).text

    assert own in shown
    assert integration not in shown
    assert own not in client.get(FEED, params={"after": 0}).text


def test_too_many_that_wait_are_refused(
    client: httpx2.Client, integration: str, problem: Problem
) -> None:
    query = {"after": changes(client, after=0)["after"], "wait": 30}
    client = patient(client)
    with client, ThreadPoolExecutor(101) as threads:
        asked = [threads.submit(client.get, FEED, params=query) for _ in range(101)]
        first = next(as_completed(asked)).result()
        toggle(client, integration, on=False)
        statuses = [each.result().status_code for each in asked]

    problem(first, 429, "TOO_MANY_REQUESTS")
    assert first.headers["retry-after"] == "5"
    assert sorted(statuses) == [*[200] * 100, 429]


def patient(client: httpx2.Client) -> httpx2.Client:
    """Return a client like *client* with as many connections as it needs."""
    return httpx2.Client(
        base_url=client.base_url, headers=client.headers, timeout=60,
        limits=httpx2.Limits(max_connections=None), trust_env=False,
    )  # fmt: skip
