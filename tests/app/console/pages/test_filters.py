"""What an address cannot select: the page says so at the field, in its own words, and stays."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest

DAY = "Give a day, such as \u20682026-11-29\u2069"
CHOICE = "Choose one of the list"
WORDS = "Give words to search for, of at most 120 characters"
ID = "Give an id of at most 255 characters"
NUMBER = "Give a number"
MOMENT = "Give a day and time, or a position in the log"
NO_PAGE = "This page of the list is not there: begin with the first one"
# Page, parameter, value, the id of the field, and what it says.
CASES = [
    ("integrations", "sort", "nonsense", "sort", CHOICE),
    ("integrations", "channel", "FAX", "channel", CHOICE),
    ("integrations", "type", "NOBODY", "type", CHOICE),
    ("integrations", "isActive", "maybe", "isActive", CHOICE),
    ("integrations", "q", "x" * 121, "q", WORDS),
    ("integrations", "q", "\u0301", "q", WORDS),
    ("history", "startDate", "yesterday", "startDate", DAY),
    ("history", "endDate", "2026-02-30", "endDate", DAY),
    ("history", "action", "EATEN", "action", CHOICE),
    ("history", "userId", "x" * 256, "userId", ID),
    ("{one}/history", "startDate", "29.11.2026", "startDate", DAY),
    ("accesses", "endDate", "tomorrow", "endDate", DAY),
    ("accesses", "field", "password", "field", CHOICE),
    ("accesses", "actorId", "x" * 256, "actorId", ID),
    ("accesses", "credentialVersion", "first", "credentialVersion", NUMBER),
    ("{one}/accesses", "credentialVersion", "0", "credentialVersion", NUMBER),
    ("past", "asOf", "yesterday", "time", MOMENT),
    ("past", "asOf", "9" * 13, "position", MOMENT),
    ("{one}/past", "asOf", "2026-13-01", "time", MOMENT),
]
BEYOND = [
    ("integrations", "page", "nonsense"),
    ("history", "page", "0"),
    ("history", "page", "first"),
    ("accesses", "cursor", "nonsense"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2][:9]}")
def test_a_wrong_filter_is_said_at_its_field(
    console: httpx2.Client, sendgrid: dict[str, Any], case: tuple[str, str, str, str, str]
) -> None:
    place, name, value, field, words = case
    path = f"/console/en/{place.replace('{one}', 'integrations/' + sendgrid['id'])}"

    answer = console.get(path, params={name: value})

    assert answer.status_code == 400
    page = unescape(answer.text)
    assert f'<span class="wrong" id="{name}-wrong">{words}</span>' in page
    [marked] = re.findall(r'id="(\w+)"[^>]* aria-invalid="true" aria-describedby="(.*?)"', page)
    assert marked == (field, f"{name}-wrong")
    alerts = page.partition('id="alerts"')[2].partition('id="status"')[0]
    assert "Nothing was looked up: look at what is marked" in alerts
    assert "ISO 8601" not in page
    assert name not in alerts


@pytest.mark.parametrize(("place", "name", "value"), BEYOND)
def test_a_page_that_is_not_there_is_said_above(
    console: httpx2.Client, sendgrid: dict[str, Any], place: str, name: str, value: str
) -> None:
    answer = console.get(f"/console/en/{place}", params={name: value})

    assert answer.status_code == 400
    alerts = answer.text.partition('id="alerts"')[2].partition('id="status"')[0]
    assert NO_PAGE in unescape(alerts)
    assert sendgrid["name"] not in answer.text
    assert "Nothing is shown" in answer.text
