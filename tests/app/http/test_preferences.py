"""`Prefer: handling=strict` turns warnings into 422 (RFC 7240)."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.http.preferences import PREFERENCE
from tests.support.thread_time import least_quiet_ms

PATH = "/en/api/integration"
Problem = Callable[..., dict[str, Any]]
DOUBTFUL = {"apiKey": "SG.short"}
STRICT = {"Prefer": "handling=strict"}


def test_warnings_are_refused_with_details_and_nothing_is_stored(
    client: httpx2.Client, body: dict[str, Any], problem: Problem
) -> None:
    answer = client.post(PATH, json=body | DOUBTFUL, headers=STRICT)

    details = problem(answer, 422, "UNPROCESSABLE")["details"]
    assert [(d["field"], d["code"]) for d in details] == [("apiKey", "UNUSUAL_FORMAT")]
    assert answer.headers["preference-applied"] == "handling=strict"
    assert "SG.short" not in answer.text
    assert client.get(PATH).json()["result"]["totalCount"] == 0


def test_a_body_without_warnings_is_accepted_with_preference_applied(
    client: httpx2.Client, body: dict[str, Any]
) -> None:
    answer = client.post(PATH, json=body, headers=STRICT)

    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "handling=strict"


@pytest.mark.parametrize(
    "prefer",
    [
        "handling=strict",
        "Handling=strict",
        "handling=Strict",
        'HANDLING="STRICT"',
        'handling="strict"',
        "handling = strict",
        "return=minimal, handling=strict",
        'return=minimal; foo="a, b", handling=strict; x=y',
        "respond-async,wait=10,handling=strict",
        "handling=strict, handling=lenient",
    ],
)
def test_the_preference_is_understood(
    client: httpx2.Client, body: dict[str, Any], prefer: str
) -> None:
    answer = client.post(PATH, json=body | DOUBTFUL, headers={"Prefer": prefer})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "prefer",
    [
        "",
        "handling=lenient",
        "handling=lenient, handling=strict",
        "handling",
        "handling=strictly",
        "xhandling=strict",
        'foo="handling=strict"',
        'foo="a, handling=strict"',
        "return=minimal; handling=strict",
        "a" + " " * 30_000 + "b",
    ],
)
def test_other_preferences_only_warn(
    client: httpx2.Client, body: dict[str, Any], prefer: str
) -> None:
    answer = client.post(PATH, json=body | DOUBTFUL, headers={"Prefer": prefer})

    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers


@pytest.mark.parametrize("header", ["a;" + "b" * 995 + '"', "a" + " " * 998 + '"', " " * 1_000])
def test_a_header_that_is_no_preference_takes_no_time(header: str) -> None:
    assert PREFERENCE.findall(header) == []

    assert least_quiet_ms(lambda: PREFERENCE.findall(header), enough=30) <= 30


def test_the_header_may_come_more_than_once(client: httpx2.Client, body: dict[str, Any]) -> None:
    headers = [("Prefer", "return=minimal"), ("Prefer", "handling=strict")]

    assert client.post(PATH, json=body | DOUBTFUL, headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("method", "change", "code"),
    [
        ("PATCH", {"senderPhone": "+15551234567"}, "NOT_USED"),
        ("PUT", {"apiKey": "SG.short"}, "UNUSUAL_FORMAT"),
        ("PUT", {"apiSecret": "s"}, "NOT_USED"),
    ],
)
def test_changes_warn_by_the_provider_and_strict_handling_refuses_them(
    client: httpx2.Client,
    body: dict[str, Any],
    method: str,
    change: dict[str, str],
    code: str,
) -> None:
    place = f"{PATH}/{client.post(PATH, json=body).json()['result']['data']['id']}"

    path = place + ("/credentials" if method == "PUT" else "")

    strict = client.request(method, path, json=change, headers=STRICT)
    unchanged = client.get(place).headers["etag"]
    lenient = client.request(method, path, json=change)

    assert (strict.status_code, unchanged) == (422, '"1"')
    assert [(d["field"], d["code"]) for d in strict.json()["result"]["details"]] == [
        (*change, code)
    ]
    warnings = lenient.json()["result"]["warnings"]
    assert [(w["field"], w["code"]) for w in warnings] == [(*change, code)]
    assert lenient.status_code == 200


def test_clearing_a_field_has_no_warning(client: httpx2.Client, body: dict[str, Any]) -> None:
    place = f"{PATH}/{client.post(PATH, json=body).json()['result']['data']['id']}"

    change = {"senderPhone": None, "isActive": False}
    answer = client.patch(place, json=change, headers=STRICT)

    assert answer.status_code == 200
    assert "warnings" not in answer.json()["result"]
    assert answer.headers["preference-applied"] == "handling=strict"
