"""What is known of the credentials of many integrations, as a page that lists them asks."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.support.pasted_bodies import PUBLIC
from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]
Body = dict[str, Any]
PATH = "/en/api/integration-checks"
STORED = "/en/api/integration-credentials"
LIST = "/en/api/integration"
WRONG_LENGTH = (
    "WRONG_LENGTH",
    "This must have 1 to 200 values of 1 to 255 characters, with commas between them",
)
OTHER_PUBLIC = (
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)


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
    assert result["data"][0] == {"integrationId": last, "isCurrent": True} | newest
    assert (result["totalCount"], result["message"]) == (2, "Checks fetched successfully")


@pytest.mark.parametrize(
    ("method", "place", "change", "is_current"),
    [
        ("PUT", "/credentials", {"apiKey": "SG.another"}, False),
        ("PUT", "/credentials", {"apiSecret": None}, False),  # it is destroyed
        ("PATCH", "", {"settings": {"region": "GLOBAL"}}, False),
        ("PATCH", "", {"settings": None}, False),
        ("PATCH", "", {"vapidPublicKey": None}, False),
        ("PATCH", "", {"vapidPublicKey": OTHER_PUBLIC}, False),
        ("PUT", "/credentials", {"vapidPublicKey": OTHER_PUBLIC}, False),
        ("PATCH", "", {"name": "Another"}, True),
        ("PATCH", "", {"settings": {"region": "EU"}, "vapidPublicKey": PUBLIC}, True),
        ("PUT", "/credentials", {"apiKey": "SG.one"}, True),
        ("POST", "/toggle", {"isActive": False}, True),
    ],
)
def test_a_check_is_current_until_what_it_is_about_changes(
    client: httpx2.Client, method: str, place: str, change: Body, is_current: bool
) -> None:
    sendgrid = {"name": "Main", "type": "SENDGRID", "channel": "EMAIL"}
    keys = {"apiKey": "SG.one", "apiSecret": "12345678", "vapidPublicKey": PUBLIC}
    one = created(client, {**sendgrid, **keys, "settings": {"region": "EU"}})
    client.post(f"{LIST}/{one}/check")
    changed = client.request(method, f"{LIST}/{one}{place}", json=change)
    assert changed.status_code == 200, changed.text

    def newest() -> list[bool]:
        found = client.get(f"{PATH}?integrationIds={one}").json()["result"]["data"]
        return [each["isCurrent"] for each in found]

    assert newest() == [is_current]
    client.post(f"{LIST}/{one}/check")
    assert newest() == [True]
    client.delete(f"{LIST}/{one}")
    assert newest() == []


def test_the_checks_of_another_workspace_are_not_shown(
    service: Service, client: httpx2.Client, body: Body
) -> None:
    theirs = created(client, body)
    client.post(f"{LIST}/{theirs}/check")

    with service.caller("another") as other:
        answer = other.get(f"{PATH}?integrationIds={theirs}").json()

    assert answer["result"]["data"] == []


def test_the_secrets_that_are_stored_are_named_and_no_others(
    client: httpx2.Client, body: Body
) -> None:
    key = {**body, "apiKey": "SG.one"}
    with_key, without, deleted = created(client, key), created(client, body), created(client, key)
    both = created(client, {**key, "apiSecret": "12345678"})
    assert client.delete(f"{LIST}/{deleted}").status_code == 200

    def stored() -> list[tuple[str, list[str]]]:
        ids = f"{both},{deleted},{without},{with_key}"
        result = client.get(f"{STORED}?integrationIds={ids}").json()["result"]
        assert (result["message"], result["totalCount"]) == ("Credentials fetched successfully", 2)
        return [(each["integrationId"], each["fields"]) for each in result["data"]]

    assert stored() == [(both, ["apiKey", "apiSecret"]), (with_key, ["apiKey"])]
    client.put(f"{LIST}/{both}/credentials", json={"apiKey": "SG.another", "apiSecret": None})
    assert stored() == [(both, ["apiKey"]), (with_key, ["apiKey"])]


def test_what_another_workspace_stores_is_not_shown(
    service: Service, client: httpx2.Client, body: Body
) -> None:
    theirs = created(client, {**body, "apiKey": "SG.one"})

    with service.caller("another") as other:
        answer = other.get(f"{STORED}?integrationIds={theirs}").json()

    assert answer["result"]["data"] == []


@pytest.mark.parametrize("path", [PATH, STORED])
def test_blanks_around_ids_are_no_part_of_them(
    client: httpx2.Client, body: Body, path: str
) -> None:
    ids = [created(client, {**body, "apiKey": "SG.one"}) for _ in range(2)]
    for each in ids:
        client.post(f"{LIST}/{each}/check")

    result = client.get(path, params={"integrationIds": " , ".join(ids)}).json()["result"]

    assert [each["integrationId"] for each in result["data"]] == ids


@pytest.mark.parametrize("path", [PATH, STORED])
@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ("", WRONG_LENGTH),
        ("a,,b", WRONG_LENGTH),
        ("a," + "b" * 256, WRONG_LENGTH),
        (",".join("a" * 201), ("TOO_MANY", "This may have at most 200 values")),
    ],
)
def test_a_list_that_is_none_is_refused(
    client: httpx2.Client, problem: Problem, path: str, ids: str, code: tuple[str, str]
) -> None:
    found = problem(client.get(f"{path}?integrationIds={ids}"), 400, "VALIDATION_ERROR")

    assert [(each["field"], each["code"], each["message"]) for each in found["details"]] == [
        ("integrationIds", *code)
    ]
