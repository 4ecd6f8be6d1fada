"""The default of each channel: chosen, cleared, and shown in the history and the feed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.app.http.integrations.conftest import Create
from tests.support.defaults import DEFAULTS, EMAIL, PATH, SECRET, choose, states, toggle
from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]
NOBODYS = "int_01jmhbnh5sexrt0p1k7vtm4ttz"


def history(client: httpx2.Client, **query: Any) -> list[dict[str, Any]]:
    return client.get("/en/api/history-log", params=query).json()["result"]["data"]


# ----- Choose and clear -----
def test_what_is_chosen_is_shown(client: httpx2.Client, create: Create) -> None:
    assert states(client) == {}
    mail, sms = create(), create(type="TWILIO", channel="SMS", senderEmail=None)

    chosen = choose(client, mail)
    client.put(f"{DEFAULTS}/SMS", json={"integrationId": sms})

    result = chosen.json()["result"]
    assert (chosen.status_code, result["message"]) == (200, "Default chosen successfully")
    assert chosen.headers["etag"] == '"1"'
    [shown] = [
        each for each in client.get(DEFAULTS).json()["result"]["data"] if each["channel"] == "EMAIL"
    ]
    assert result["data"] == shown
    assert list(shown) == ["channel", "integrationId", "state", "version", "chosenAt"]
    assert states(client) == {"EMAIL": (mail, "ok"), "SMS": (sms, "ok")}


def test_the_same_again_records_nothing(client: httpx2.Client, create: Create) -> None:
    mail = create()
    first, again = choose(client, mail), choose(client, mail)

    assert again.json() == first.json()
    assert len(history(client, resourceType="channelDefault")) == 1


def test_what_is_cleared_is_not_shown_and_can_be_chosen_again(
    client: httpx2.Client, create: Create
) -> None:
    mail = create()
    assert client.delete(EMAIL).status_code == 200  # there is none: nothing to record
    choose(client, mail)

    cleared = [client.delete(EMAIL) for _ in range(2)]

    assert [each.json()["result"] for each in cleared] == [
        {"data": None, "message": "Default cleared successfully", "status": 200}
    ] * 2
    assert states(client) == {}
    assert choose(client, mail).json()["result"]["data"]["version"] == 3
    assert len(history(client, resourceType="channelDefault")) == 3


@pytest.mark.parametrize(
    ("path", "chosen", "status", "error"),
    [
        (EMAIL, NOBODYS, 404, "NOT_FOUND"),
        (EMAIL, "int_1", 404, "NOT_FOUND"),
        (EMAIL, "def_EMAIL", 404, "NOT_FOUND"),
        (f"{DEFAULTS}/FAX", None, 404, "NOT_FOUND"),
        (f"{DEFAULTS}/email", None, 404, "NOT_FOUND"),
        (f"{DEFAULTS}/SMS", None, 400, "VALIDATION_ERROR"),
        (EMAIL, "", 400, "VALIDATION_ERROR"),
        (EMAIL, 7, 400, "VALIDATION_ERROR"),
        (EMAIL, "x" * 256, 400, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_chosen(  # noqa: PLR0913, PLR0917 — a row of the table
    client: httpx2.Client,
    create: Create,
    problem: Problem,
    path: str,
    chosen: object,
    status: int,
    error: str,
) -> None:
    mail = create()
    wanted = mail if chosen is None else chosen

    problem(client.put(path, json={"integrationId": wanted}), status, error)

    assert states(client) == {}
    assert history(client, resourceType="channelDefault") == []


def test_an_integration_of_another_channel_is_a_mismatch(
    client: httpx2.Client, create: Create, problem: Problem
) -> None:
    refused = problem(
        client.put(f"{DEFAULTS}/PUSH", json={"integrationId": create()}), 400, "VALIDATION_ERROR"
    )
    assert [(each["field"], each["code"]) for each in refused["details"]] == [
        ("integrationId", "CHANNEL_MISMATCH")
    ]


def test_what_is_switched_off_cannot_be_chosen(
    client: httpx2.Client, create: Create, problem: Problem
) -> None:
    problem(choose(client, create(isActive=False)), 409, "INTEGRATION_INACTIVE")


def test_another_workspace_s_integration_is_not_there(
    service: Service, create: Create, problem: Problem
) -> None:
    with service.caller(f"other-{uuid4().hex}") as stranger:
        problem(choose(stranger, create()), 404, "NOT_FOUND")
        assert states(stranger) == {}


@pytest.mark.parametrize(
    ("permission", "statuses"),
    [
        ("integrations:view", (200, 403, 403)),
        ("integrations:edit", (403, 200, 200)),
        ("integrations:create", (403, 403, 403)),
        ("integrations:delete", (403, 403, 403)),
        ("integrations:resolve", (403, 403, 403)),
        ("audit:view", (403, 403, 403)),
    ],
)
def test_who_may(
    service: Service, workspace: str, create: Create, permission: str, statuses: tuple[int, ...]
) -> None:
    mail = create()
    with service.client("--permission", permission, workspace=workspace) as caller:
        responses = caller.get(DEFAULTS), choose(caller, mail), caller.delete(EMAIL)
    assert tuple(each.status_code for each in responses) == statuses


# ----- Conditions and repetition -----
def test_a_change_can_ask_for_the_version_that_was_read(
    client: httpx2.Client, create: Create, problem: Problem
) -> None:
    first, second = create(), create()
    if_match: dict[str, Any] = {"headers": {"If-Match": '"1"'}}
    problem(choose(client, first, **if_match), 412, "PRECONDITION_FAILED")
    choose(client, first)

    assert choose(client, second, **if_match).status_code == 200

    problem(choose(client, first, **if_match), 412, "PRECONDITION_FAILED")
    problem(client.delete(EMAIL, **if_match), 412, "PRECONDITION_FAILED")
    assert client.delete(EMAIL, headers={"If-Match": '"2"'}).status_code == 200


def test_a_repeated_request_gets_the_first_response(
    client: httpx2.Client, create: Create, problem: Problem
) -> None:
    first, second = create(), create()
    keyed: dict[str, Any] = {"headers": {"Idempotency-Key": "choose-1"}}
    chosen = choose(client, first, **keyed)
    choose(client, second)

    again = choose(client, first, **keyed)

    assert again.content == chosen.content
    assert again.headers["idempotency-replayed"] == "true"
    assert states(client) == {"EMAIL": (second, "ok")}
    problem(choose(client, second, **keyed), 422, "UNPROCESSABLE")


def test_a_key_that_is_a_secret_of_the_chosen_integration_is_refused(
    client: httpx2.Client, create: Create, problem: Problem
) -> None:
    mail = create()
    problem(choose(client, mail, headers={"Idempotency-Key": SECRET}), 400, "VALIDATION_ERROR")
    assert client.delete(EMAIL, headers={"Idempotency-Key": "clear-1"}).status_code == 200


def test_a_client_that_has_the_list_gets_304(client: httpx2.Client, create: Create) -> None:
    mail = create()
    choose(client, mail)
    have: dict[str, Any] = {"headers": {"If-None-Match": client.get(DEFAULTS).headers["etag"]}}
    assert client.get(DEFAULTS, **have).status_code == 304
    toggle(client, mail, on=False)
    assert client.get(DEFAULTS, **have).status_code == 200


def test_of_many_that_choose_at_once_one_is_the_default_and_the_history_has_all_in_order(
    client: httpx2.Client, create: Create
) -> None:
    mails = [create() for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        choosing = [threads.submit(choose, client, mails[number % 4]) for number in range(16)]
        responses = [each.result() for each in choosing]

    assert {each.status_code for each in responses} == {200}
    entries = history(client, resourceType="channelDefault", limit=200)[::-1]
    changes = [entry["details"]["changes"]["integrationId"] for entry in entries]
    assert [each["from"] for each in changes] == [None, *(each["to"] for each in changes[:-1])]
    assert all(each["from"] != each["to"] for each in changes)
    assert states(client) == {"EMAIL": (changes[-1]["to"], "ok")}
    assert [entry["id"] for entry in entries] == [
        f"def_EMAIL:{number}" for number in range(1, len(entries) + 1)
    ]


# ----- Told -----
def test_the_history_tells_of_defaults_and_can_leave_them_out(
    client: httpx2.Client, create: Create
) -> None:
    mail = create()
    choose(client, mail)
    client.delete(EMAIL)

    cleared, chosen = history(client, resourceType="channelDefault")

    assert (chosen["action"], cleared["action"]) == ("DEFAULT_CHOSEN", "DEFAULT_CLEARED")
    assert (chosen["resourceType"], chosen["resourceId"]) == ("channelDefault", "def_EMAIL")
    assert chosen["resourceName"] == "EMAIL"
    assert chosen["details"] == {"changes": {"integrationId": {"from": None, "to": mail}}}
    assert cleared["details"] == {"changes": {"integrationId": {"from": mail, "to": None}}}
    assert [entry["resourceType"] for entry in history(client, resourceType="integration")] == [
        "integration"
    ]
    assert history(client, resourceId="def_EMAIL", resourceType="channelDefault") == [
        cleared,
        chosen,
    ]
    assert history(client, resourceId="def_EMAIL", resourceType="integration") == []
    assert history(client, resourceId=mail, resourceType="channelDefault") == []
    assert len(history(client)) == 3


def test_the_feed_names_the_channel(client: httpx2.Client, create: Create) -> None:
    mail = create()
    changes = "/en/api/integration-changes"
    start = client.get(changes).json()["result"]["after"]
    choose(client, mail)
    client.delete(EMAIL)

    told = client.get(changes, params={"after": start}).json()["result"]["data"]

    assert [(each["type"], each["subject"], each["data"]) for each in told] == [
        (
            "integrations.DefaultChosen.v1",
            "channel/EMAIL",
            {"channel": "EMAIL", "integrationId": mail},
        ),
        ("integrations.DefaultCleared.v1", "channel/EMAIL", {"channel": "EMAIL"}),
    ]


def test_the_past_has_the_default_of_then_and_its_state_of_then(
    client: httpx2.Client, create: Create
) -> None:
    first, second = create(), create()
    changes = (
        lambda: choose(client, first),
        lambda: toggle(client, first, on=False),
        lambda: choose(client, second),
        lambda: client.delete(f"{PATH}/{second}"),
        lambda: client.delete(EMAIL),
    )
    positions = [history(client)[0]["position"]]
    for change in changes:
        change()
        positions.append(history(client)[0]["position"])

    assert [states(client, asOf=position).get("EMAIL") for position in positions] == [
        None,
        (first, "ok"),
        (first, "inactive"),
        (second, "ok"),
        (second, "deleted"),
        None,
    ]


# ----- Switched off -----
def test_switching_the_default_off_is_a_warning(client: httpx2.Client, create: Create) -> None:
    mail, other = create(), create()
    choose(client, mail)
    warned = [("isActive", "DEFAULT_OF_CHANNEL")]

    off, patched = (
        toggle(client, mail, on=False),
        client.patch(f"{PATH}/{mail}", json={"isActive": False}).json()["result"],
    )

    for result in (off, patched):
        assert [(each["field"], each["code"]) for each in result["warnings"]] == warned
        assert result["data"]["isActive"] is False
    assert "warnings" not in toggle(client, mail, on=True)
    assert "warnings" not in toggle(client, other, on=False)
    assert client.delete(f"{PATH}/{mail}").json()["result"] == {
        "data": None,
        "message": "Integration deleted successfully",
        "status": 200,
    }


def test_strict_handling_leaves_the_default_on(
    client: httpx2.Client, create: Create, problem: Problem
) -> None:
    mail = create()
    choose(client, mail)
    strict: dict[str, Any] = {"headers": {"Prefer": "handling=strict"}, "json": {"isActive": False}}

    problem(client.post(f"{PATH}/{mail}/toggle", **strict), 422, "UNPROCESSABLE")

    assert states(client) == {"EMAIL": (mail, "ok")}
    client.delete(EMAIL)
    off = client.post(f"{PATH}/{mail}/toggle", **strict)
    assert (off.status_code, off.headers["preference-applied"]) == (200, "handling=strict")
