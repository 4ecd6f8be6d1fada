"""Integrations of another workspace do not exist: the same bytes as for an unknown id."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx2
import psycopg
import pytest

from tests.support.service import Service
from tests.support.worker import Worker

Body = dict[str, Any]
Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
NEVER = "int_01k0000000000000000000000z"
SECRET = "SG." + "w" * 22 + "." + "z" * 43
SIGNING = 15.0  # seconds that a checkpoint may take


class Asked(NamedTuple):
    """A request about one integration; `path` is what follows its id."""

    method: str
    path: str = ""
    json: Body | None = None
    headers: dict[str, str] | None = None

    def send(self, client: httpx2.Client, integration: str) -> httpx2.Response:
        """Ask it of *integration*."""
        url = f"{PATH}/{integration}{self.path}"
        return client.request(self.method, url, json=self.json, headers=self.headers)


# Every request that names an integration, in an order in which its owner may make them.
SESSION = (
    Asked("GET"),
    Asked("GET", headers={"If-None-Match": '"1"'}),
    Asked("GET", "?asOf=2030-01-01T00:00:00Z"),
    Asked("PATCH", json={"name": "New"}),
    Asked("PATCH", json={"name": "Newer"}, headers={"If-Match": '"2"'}),
    Asked("PATCH", json={"name": "Newest"}, headers={"Idempotency-Key": "the-key-of-mine"}),
    Asked("POST", "/toggle", {"isActive": False}),
    Asked("PUT", "/credentials", {"apiKey": f"{SECRET}-2"}),
    Asked("POST", "/check"),
    Asked("GET", "/credentials"),
    Asked("GET", "/history"),
    Asked("GET", "/history?action=INTEGRATION_ADDED&userId=t"),
)
END = Asked("DELETE")


@pytest.fixture
def stranger(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    """A client of another workspace, which has an integration of its own."""
    with service.caller(f"{workspace}-other") as client:
        yield client


@pytest.fixture
def mine(client: httpx2.Client, body: Body) -> str:
    """An integration of `client`."""
    return made(client, body)


def made(client: httpx2.Client, body: Body) -> str:
    """Create an integration; return its id."""
    answer = client.post(PATH, json=body | {"apiKey": SECRET})
    assert answer.status_code == 201, answer.text
    return answer.json()["result"]["data"]["id"]


def without_id(answer: httpx2.Response) -> bytes:
    """Return the bytes of *answer* but for its request id."""
    return answer.content.replace(answer.headers["x-request-id"].encode(), b"")


def test_another_workspace_gets_the_response_for_an_unknown_id(
    client: httpx2.Client, stranger: httpx2.Client, mine: str, problem: Problem
) -> None:
    for asked in (*SESSION, END):
        foreign, unknown = asked.send(stranger, mine), asked.send(stranger, NEVER)
        problem(foreign, 404, "NOT_FOUND")
        assert without_id(foreign) == without_id(unknown), asked
        if asked != END:
            assert asked.send(client, mine).status_code in (200, 304), asked

    # What a stranger tried has changed nothing.
    kept = client.get(f"{PATH}/{mine}").json()["result"]["data"]
    assert (kept["name"], kept["isActive"]) == ("Newest", False)
    actions = client.get(f"{PATH}/{mine}/history").json()["result"]
    assert actions["totalCount"] == 1 + sum(asked.method != "GET" for asked in SESSION)

    assert END.send(client, mine).status_code == 200
    for asked in (*SESSION, END):  # nor is there anything of it once it is gone
        gone, unknown = asked.send(stranger, mine), asked.send(stranger, NEVER)
        assert (gone.status_code, without_id(gone)) == (404, without_id(unknown)), asked


def test_lists_show_nothing_of_another_workspace(
    client: httpx2.Client, stranger: httpx2.Client, body: Body, mine: str
) -> None:
    own = made(stranger, body)
    lists = ("", "?q=n", "?sort=-name", "?limit=5&page=1", "?type=SENDGRID")
    logs = ("", "?action=INTEGRATION_ADDED", "?userId=t", "?startDate=2020-01-01")
    for parameters in (*lists, "?asOf=2030-01-01T00:00:00Z"):
        found = stranger.get(PATH + parameters).json()["result"]
        assert [each["id"] for each in found["data"]] == [own], parameters
        assert found["totalCount"] == 1
    for parameters in logs:
        found = stranger.get("/en/api/history-log" + parameters).json()["result"]
        assert [each["resourceId"] for each in found["data"]] == [own], parameters
    of_mine = stranger.get("/en/api/history-log", params={"resourceId": mine})
    of_none = stranger.get("/en/api/history-log", params={"resourceId": NEVER})
    assert of_mine.content == of_none.content
    assert client.get("/en/api/history-log").json()["result"]["totalCount"] == 1


def test_a_worker_of_another_workspace_gets_the_response_for_an_unknown_id(
    client: httpx2.Client, service: Service, workspace: str, mine: str, problem: Problem
) -> None:
    own, foreign = Worker(service, workspace), Worker(service, f"{workspace}-other")
    with own.client, foreign.client:
        assert own.lease(mine).status_code == 200
        problem(foreign.lease(mine), 404, "NOT_FOUND")
        assert without_id(foreign.lease(mine)) == without_id(foreign.lease(NEVER))

    assert len(client.get(f"{PATH}/{mine}/accesses").json()["result"]["data"]) == 1


def test_the_statement_of_leases_reads_pairs_of_workspace_and_integration(
    service: Service, workspace: str, stranger: httpx2.Client, mine: str, body: Body
) -> None:
    theirs, other = made(stranger, body), f"{workspace}-other"
    asked = "SELECT workspace_id, id FROM integrations.lease_material(%s, %s)"
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as database:
        database.execute("SET ROLE integrations_command")
        crossed = database.execute(asked, ([workspace, other], [theirs, mine])).fetchall()
        both = database.execute(asked, ([workspace, other], [mine, theirs])).fetchall()

    assert crossed == []
    assert sorted(both) == sorted([(workspace, mine), (other, theirs)])


def test_the_access_journal_shows_nothing_of_another_workspace(
    service: Service, workspace: str, stranger: httpx2.Client, mine: str
) -> None:
    own = Worker(service, workspace)
    with own.client:
        own.lease(mine)

    journal = "/en/api/integration-accesses"
    for path in (journal, f"{journal}?integrationId={mine}", f"{journal}?actorId=worker-1"):
        assert stranger.get(path).json()["result"]["data"] == [], path
    of_mine, of_none = (stranger.get(f"{PATH}/{id_}/accesses") for id_ in (mine, NEVER))
    assert without_id(of_mine) == without_id(of_none)


def test_the_same_idempotency_key_of_another_workspace_is_another_key(
    client: httpx2.Client, stranger: httpx2.Client, body: Body
) -> None:
    headers = {"Idempotency-Key": "key-of-both"}
    first = client.post(PATH, json=body, headers=headers)
    other = stranger.post(PATH, json=body, headers=headers)
    assert (first.status_code, other.status_code) == (201, 201)
    assert "idempotency-replayed" not in other.headers
    assert first.json()["result"]["data"]["id"] != other.json()["result"]["data"]["id"]


def test_proofs_show_nothing_of_another_workspace(
    client: httpx2.Client, stranger: httpx2.Client, mine: str, body: Body
) -> None:
    own = made(stranger, body)
    log = client.get(f"{PATH}/{mine}/history").json()["result"]["data"]
    position = log[0]["position"]
    wait_for_checkpoints(client, stranger)

    inclusion = "/en/api/audit/proof/inclusion"
    assert client.get(inclusion, params={"position": position}).status_code == 200
    foreign = stranger.get(inclusion, params={"position": position})
    unknown = stranger.get(inclusion, params={"position": 10**17})
    assert (foreign.status_code, without_id(foreign)) == (404, without_id(unknown))

    exported = stranger.get("/en/api/audit/export")
    own_log = stranger.get(f"{PATH}/{own}/history").json()["result"]["data"]
    positions = [each["position"] for each in map(json.loads, exported.text.splitlines())]
    assert positions == [each["position"] for each in own_log]
    checkpoints = [each.get("/en/api/audit/checkpoint").json() for each in (client, stranger)]
    assert [each["result"]["data"]["size"] for each in checkpoints] == [1, 1]
    roots = {each["result"]["data"]["root"] for each in checkpoints}
    assert len(roots) == 2


def wait_for_checkpoints(*clients: httpx2.Client) -> None:
    """Wait until what each workspace has was signed."""
    until = time.monotonic() + SIGNING
    while any(each.get("/en/api/audit/checkpoint").status_code != 200 for each in clients):
        assert time.monotonic() < until
        time.sleep(0.2)
