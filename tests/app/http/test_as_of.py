"""`asOf` over HTTP: one integration and the list as they were."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]
Body = dict[str, Any]
PATH = "/en/api/integration"
LOG = "/en/api/history-log"


def made(client: httpx2.Client, body: Body) -> Body:
    """Create an integration and return it."""
    return client.post(PATH, json=body).json()["result"]["data"]


def then(client: httpx2.Client, moment: str | int) -> list[Body]:
    """Return the list as of *moment*."""
    result = client.get(PATH, params={"asOf": moment}).json()["result"]
    assert result["totalCount"] == len(result["data"])
    return result["data"]


def test_a_past_state_is_shown_as_get_and_list_showed_it_then(
    client: httpx2.Client, body: Body
) -> None:
    shown: list[tuple[list[Body], httpx2.Response]] = []
    first = made(client, body | {"apiKey": "SG.secret"})
    path = f"{PATH}/{first['id']}"

    def look() -> None:
        listed = client.get(PATH).json()["result"]["data"]
        shown.append((listed, client.get(path)))
        time.sleep(0.005)  # times tell milliseconds apart

    look()
    client.patch(path, json={"name": "other"})
    look()
    made(client, body)
    look()
    client.put(f"{path}/credentials", json={"apiKey": "SG.other"})
    look()
    client.delete(path)
    look()
    entries = client.get(LOG).json()["result"]["data"][::-1]
    assert len(entries) == len(shown) == 5
    for entry, (listed, one) in zip(entries, shown, strict=True):
        for moment in (entry["position"], entry["createdAt"]):
            past = client.get(path, params={"asOf": moment})
            assert then(client, moment) == listed
            assert past.status_code == one.status_code
            assert past.headers.get("etag") == one.headers.get("etag")
            assert past.json()["result"]["data"] == one.json()["result"]["data"]
    for still_to_come in (10**12 - 1, "9999-12-31"):
        assert then(client, still_to_come) == shown[-1][0]
    for before in (0, entries[0]["position"] - 1, "2020-01-01"):
        assert then(client, before) == []
        assert client.get(path, params={"asOf": before}).status_code == 404


def test_as_of_shows_nothing_of_another_workspace(
    service: Service, client: httpx2.Client, body: Body, problem: Problem
) -> None:
    path = f"{PATH}/{made(client, body)['id']}"
    with service.caller("http-another-past") as stranger:
        answers = [stranger.get(path, params={"asOf": 10**9}), stranger.get(f"{PATH}/nothing")]
        assert then(stranger, 10**9) == []
    theirs, never = (problem(answer, 404, "NOT_FOUND") for answer in answers)
    assert theirs | {"requestId": ""} == never | {"requestId": ""}


@pytest.mark.parametrize("path", [PATH, f"{PATH}/int_01h455vb4pex5vsknk084sn02q"])
def test_an_invalid_point_in_time_is_refused(
    client: httpx2.Client, problem: Problem, path: str
) -> None:
    for query, found in {
        "asOf=yesterday": ("asOf", "INVALID_MOMENT"),
        "asOf=-1": ("asOf", "INVALID_MOMENT"),
        "asOf=": ("asOf", "INVALID_MOMENT"),
        "asOf=1&asOf=2": ("asOf", "REPEATED_PARAMETER"),
        "asof=1": ("asof", "UNKNOWN_PARAMETER"),
    }.items():
        result = problem(client.get(f"{path}?{query}"), 400, "VALIDATION_ERROR")
        assert [(each["field"], each["code"]) for each in result["details"]] == [found]
        assert "yesterday" not in str(result)


def test_a_viewer_may_see_past_states(service: Service, workspace: str) -> None:
    with service.client("--permission", "integrations:view", workspace=workspace) as viewer:
        assert then(viewer, 1) == []
