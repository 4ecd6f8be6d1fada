"""The newest checks of many integrations, as a page that lists them asks."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Service = Any  # that of tests/conftest.py, which cannot be imported
Problem = Callable[..., dict[str, Any]]
Body = dict[str, Any]
PATH = "/en/api/integration-checks"
LIST = "/en/api/integration"


def created(client: httpx2.Client, body: Body) -> str:
    return client.post(LIST, json=body).json()["result"]["data"]["id"]


def test_those_that_were_checked_are_shown_in_the_order_asked_for(
    client: httpx2.Client, body: Body
) -> None:
    first, unchecked, last = (created(client, body) for _ in range(3))
    for each in (first, last, last):
        assert client.post(f"{LIST}/{each}/check").status_code == 200
    newest = client.get(f"{LIST}/{last}/credentials").json()["result"]["data"]["check"]

    result = client.get(f"{PATH}?integrationIds={last},{unchecked},{first},{last}").json()["result"]

    assert [each["integrationId"] for each in result["data"]] == [last, first]
    assert result["data"][0] == {"integrationId": last} | newest
    assert (result["totalCount"], result["message"]) == (2, "Checks fetched successfully")


def test_the_checks_of_another_workspace_are_not_shown(
    service: Service, client: httpx2.Client, body: Body
) -> None:
    theirs = created(client, body)
    client.post(f"{LIST}/{theirs}/check")

    with service.caller("another") as other:
        answer = other.get(f"{PATH}?integrationIds={theirs}").json()

    assert answer["result"]["data"] == []


@pytest.mark.parametrize(
    ("ids", "code"),
    [("", "WRONG_LENGTH"), ("a,,b", "WRONG_LENGTH"), (",".join("a" * 201), "TOO_MANY")],
)
def test_a_list_that_is_none_is_refused(
    client: httpx2.Client, problem: Problem, ids: str, code: str
) -> None:
    found = problem(client.get(f"{PATH}?integrationIds={ids}"), 400, "VALIDATION_ERROR")

    assert [(each["field"], each["code"]) for each in found["details"]] == [
        ("integrationIds", code)
    ]
