"""`q`: what finds an integration, and what is nothing to search for (K10)."""

# ruff: noqa: RUF001 — these characters are meant
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

PATH = "/en/api/integration"
SENDERS = {
    "Number": "+447700900000",
    "WhatsApp": "whatsapp:+14155238886",
    "Short code": "12345",
    "Service": "MG" + "0" * 32,
    "Apple \uf8ff": None,
    "7700 901 (name)": None,
    "کوچک": None,
}


@pytest.fixture(scope="module")
def client(service: Any) -> Generator[httpx2.Client]:
    """A client of a workspace with an integration for each sender."""
    with service.caller(workspace="searching") as client:
        for name, sender in SENDERS.items():
            body = {"name": name, "type": "TWILIO", "channel": "SMS", "senderPhone": sender}
            assert client.post(PATH, json=body).status_code == 201
        yield client


FOUND: list[tuple[str, list[str]]] = [
    ("7700900", ["Number"]),
    ("7700 900", ["Number"]),
    ("+44 7700 900000", ["Number"]),
    ("+44 (7700) 900-000", ["Number"]),
    ("7700.900", ["Number"]),
    ("7700\u2011900", ["Number"]),
    ("７７００ ９００", ["Number"]),
    ("٧٧٠٠ ٩٠٠", ["Number"]),
    ("\u202a+44 7700 900000\u202c", ["Number"]),
    ("whatsapp:+1 415", ["WhatsApp"]),
    ("WhatsApp: 1 415", []),
    ("415-523", ["WhatsApp"]),
    ("123 45", ["Short code"]),
    ("7700 901", ["7700 901 (name)"]),
    ("7700 902", []),
    ("\uf8ff", ["Apple \uf8ff"]),
    ("\ue000", []),
    ("\u3164", []),
    ("ک", ["کوچک"]),
    ("%", []),
    ("_", []),
    ("-", []),
    ("()", []),
]


@pytest.mark.parametrize("past", [False, True], ids=["now", "as of"])
@pytest.mark.parametrize(("q", "expected"), FOUND)
def test_a_number_is_found_however_it_is_written(
    client: httpx2.Client, q: str, expected: list[str], *, past: bool
) -> None:
    as_of = {"asOf": "999999999"} if past else {}
    result = client.get(PATH, params={"q": q, **as_of}).json()["result"]

    assert [each["name"] for each in result["data"]] == expected
    assert result["totalCount"] == len(expected)


NOTHING = [
    ("\u0301", "NOTHING_TO_SEARCH"),
    ("\u0301\u0327", "NOTHING_TO_SEARCH"),
    ("ـ", "NOTHING_TO_SEARCH"),
    ("\u064b \u0650", "NOTHING_TO_SEARCH"),
    ("\ufe0f", "NOTHING_TO_SEARCH"),
    ("¨", "NOTHING_TO_SEARCH"),
    (" ", "INVISIBLE_TEXT"),
    ("\u200b", "INVISIBLE_TEXT"),
    ("\ufeff\u2060", "INVISIBLE_TEXT"),
    ("", "WRONG_LENGTH"),
]


@pytest.mark.parametrize(("q", "code"), NOTHING)
def test_a_search_for_nothing_is_refused(client: httpx2.Client, q: str, code: str) -> None:
    answer = client.get(PATH, params={"q": q})

    assert answer.status_code == 400
    (detail,) = answer.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("q", code)
