"""The details of a refusal: few, each once, of its true cause, no name that is not plain."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from app.http.request_heads import MAX_PARAMETERS

Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
JSON = {"Content-Type": "application/json"}
QUERIES = (
    PATH,
    f"{PATH}/int_{'0' * 26}",
    f"{PATH}/int_{'0' * 26}/history",
    f"{PATH}/int_{'0' * 26}/credentials",
    "/en/api/history-log",
    "/en/api/integration-types",
    "/en/api/audit/checkpoint",
    "/en/api/audit/proof/inclusion",
    "/en/api/audit/proof/consistency",
    "/en/api/audit/export",
)


@pytest.mark.parametrize(
    ("name", "amount"),
    [("k%d", 50), ("SG.secret-%d", 1), ("%040d", 1), ("a b %d", 1), ("\u0301%d", 1)],
)
def test_many_unknown_names_draw_a_small_response(
    client: httpx2.Client, problem: Problem, name: str, amount: int
) -> None:
    place = f"{PATH}/int_{'0' * 26}"
    names = [name % number for number in range(60_000 // (len(name % 1) + 8))]
    content = json.dumps(
        {"name": "n", "type": "TWILIO", "channel": "SMS"} | dict.fromkeys(names, 1)
    )
    nested = json.dumps({"type": "TWILIO", "settings": dict.fromkeys(names, 1)})
    nested, content = (text[:65_000].rpartition(",")[0] for text in (nested, content))
    query = "&".join(quote(name) for name in names[:MAX_PARAMETERS])
    answers = [
        client.post(PATH, content=f"{nested}}}}}", headers=JSON),
        client.patch(place, content=f"{nested}}}}}", headers=JSON),
        client.post(PATH, content=f"{content}}}", headers=JSON),
        client.patch(place, content=f"{content}}}", headers=JSON),
        client.put(f"{place}/credentials", content=f"{content}}}", headers=JSON),
        client.post(f"{place}/toggle", content=f"{content}}}", headers=JSON),
        *(client.get(f"{path}?{query}") for path in QUERIES),
        client.post(f"{place}/check?{query}"),
        client.delete(f"{place}?{query}"),
    ]

    for answer in answers:
        details = problem(answer, 400, "VALIDATION_ERROR")["details"]
        unknown = [d for d in details if d["code"] in {"UNKNOWN_FIELD", "UNKNOWN_PARAMETER"}]
        assert len(details) <= 50
        assert len({(d["field"], d["code"]) for d in details}) == len(details)
        assert len(unknown) >= min(amount, 40)
        assert len(answer.content) < 8_000
        assert all(name not in answer.text for name in names if amount == 1)


def test_two_names_that_cannot_be_repeated_are_reported_once(
    client: httpx2.Client, problem: Problem
) -> None:
    answer = client.post(PATH, json={"name": "n", "a b": 1, "c d": 2, "": 3, "x" * 33: 4})

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(d["field"], d["code"]) for d in details] == [
        ("type", "REQUIRED"),
        ("channel", "REQUIRED"),
        (None, "UNKNOWN_FIELD"),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [(None, "REQUIRED")]),
        ({"apiKey": 1}, [("apiKey", "WRONG_TYPE")]),
        ({"apiKey": " "}, [("apiKey", "INVISIBLE_TEXT")]),
        ({"apiSecret": ""}, [("apiSecret", "WRONG_LENGTH")]),
        ({"apiToken": "t"}, [("apiToken", "UNKNOWN_FIELD")]),
        ({"a b": "t"}, [(None, "UNKNOWN_FIELD")]),
    ],
)
def test_new_credentials_that_are_wrong_have_only_their_own_cause(
    client: httpx2.Client, problem: Problem, body: dict[str, Any], expected: list[Any]
) -> None:
    answer = client.put(f"{PATH}/int_{'0' * 26}/credentials", json=body)

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(d["field"], d["code"]) for d in details] == expected


def test_a_name_that_is_not_plain_is_not_repeated_for_a_member_that_comes_twice(
    client: httpx2.Client, problem: Problem
) -> None:
    name = "isActive" + "%" * 44

    answer = client.post(PATH, content=f'{{"{name}": {{"a": 1, "a": 2}}}}', headers=JSON)

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert "%" not in answer.text
    assert {detail["field"] for detail in details if detail["code"] == "REPEATED_FIELD"} == {None}
