"""The list over HTTP: filters, sort orders, pages and cursors, and what they refuse."""

from collections.abc import Generator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.search_text import normalize_for_search, sort_key
from tests.support.service import Service

PATH = "/en/api/integration"
NAMES = ["Delta", "alpha", "Bravo", "charlie", "Écho"]
TYPES = [("SENDGRID", "EMAIL"), ("TWILIO", "SMS")]


@pytest.fixture(scope="module")
def client(service: Service) -> Generator[httpx2.Client]:
    """A client of a workspace with five integrations, every second of another type."""
    with service.caller(workspace="listing") as client:
        for number, name in enumerate(NAMES):
            type_, channel = TYPES[number % 2]
            body = {"name": name, "type": type_, "channel": channel, "isActive": number != 4}
            assert client.post(PATH, json=body).status_code == 201
        yield client


def result(client: httpx2.Client, **parameters: Any) -> dict[str, Any]:
    answer = client.get(PATH, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def names(client: httpx2.Client, **parameters: Any) -> list[str]:
    return [integration["name"] for integration in result(client, **parameters)["data"]]


def test_without_parameters_the_list_has_all_oldest_first_and_no_cursor(
    client: httpx2.Client,
) -> None:
    answer = result(client)
    assert [integration["name"] for integration in answer["data"]] == NAMES
    assert answer["totalCount"] == 5
    assert "nextCursor" not in answer


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"channel": "SMS"}, ["alpha", "charlie"]),
        ({"type": "SENDGRID"}, ["Delta", "Bravo", "Écho"]),
        ({"type": "SENDGRID", "channel": "SMS"}, []),
        ({"isActive": "false"}, ["Écho"]),
        ({"isActive": "False"}, ["Écho"]),
        ({"isActive": "true", "channel": "EMAIL"}, ["Delta", "Bravo"]),
        ({"q": "éCHO"}, ["Écho"]),
        ({"q": "a"}, ["Delta", "alpha", "Bravo", "charlie"]),
        ({"q": "%"}, []),
        ({"sort": "name"}, ["alpha", "Bravo", "charlie", "Delta", "Écho"]),
        ({"sort": "-name"}, ["Écho", "Delta", "charlie", "Bravo", "alpha"]),
        ({"sort": "-createdAt"}, NAMES[::-1]),
        ({"sort": "updatedAt"}, NAMES),
    ],
)
def test_filters_and_sort_orders_select_the_right_rows(
    client: httpx2.Client, parameters: dict[str, str], expected: list[str]
) -> None:
    assert names(client, **parameters) == expected
    assert result(client, **parameters)["totalCount"] == len(expected)
    assert names(client, **parameters, asOf="999999999") == expected


FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "channel": st.sampled_from(["EMAIL", "SMS", "PUSH"]),
    "type": st.sampled_from(["SENDGRID", "TWILIO", "NEXMO"]),
    "isActive": st.booleans(),
    "q": st.sampled_from(["a", "A", "éc", "ÉCHO", "al", "%", "_"]),
    "sort": st.sampled_from(["createdAt", "-createdAt", "name", "-name"]),
    "page": st.integers(1, 4),
    "asOf": st.just(999_999_999),
}
SIZES = st.dictionaries(st.sampled_from(["limit", "pageSize"]), st.integers(1, 6), max_size=1)


@settings(max_examples=100)
@given(asked=st.fixed_dictionaries({}, optional=FILTERS), size=SIZES)
def test_every_combination_of_parameters_matches_a_simple_model(
    client: httpx2.Client, asked: dict[str, Any], size: dict[str, int]
) -> None:
    parameters = (
        asked | size | ({"isActive": str(asked["isActive"]).lower()} if "isActive" in asked else {})
    )

    answer = result(client, **parameters)

    found = matching(result(client)["data"], asked)
    length = [*size.values(), 20 if "page" in asked else len(NAMES)][0]
    start = (asked.get("page", 1) - 1) * length
    assert answer["data"] == found[start : start + length]
    assert answer["totalCount"] == len(found)


LONG = "\ufdfa" * 120  # one character that is 18 letters
SORTED = ["apfel", "Äpfel", "İstanbul", "Straße", "zebra", "\U0001f600" * 120, LONG]


@pytest.mark.parametrize("point_in_time", [{}, {"asOf": "2099-01-01"}], ids=["now", "asOf"])
def test_names_are_found_and_sorted_by_their_folded_form(
    service: Service, point_in_time: dict[str, str]
) -> None:
    with service.caller(workspace=f"folded-{len(point_in_time)}") as client:
        for name in reversed(SORTED):
            body = {"name": name, "type": "TWILIO", "channel": "SMS"}
            assert client.post(PATH, json=body).status_code == 201

        def names(**query: str) -> list[str]:
            result = client.get(PATH, params={**query, **point_in_time}).json()["result"]
            return [one["name"] for one in result["data"]]

        found = names(sort="name")
        assert found[:5] == SORTED[:5]
        assert set(found[5:]) == set(SORTED[5:])
        assert names(sort="-name") == found[::-1]
        assert (names(q="istanbul"), names(q="STRASSE")) == (["İstanbul"], ["Straße"])
        assert names(q="a\u0308pfel", sort="name") == ["apfel", "Äpfel"]
        pages = [names(sort="name", limit="1", page=str(n + 1))[0] for n in range(len(SORTED))]
        assert pages == found
        query, walked = {"sort": "name", "limit": "1"}, list[str]()
        while "sort" in query:
            result = client.get(PATH, params=query).json()["result"]
            walked.append(result["data"][0]["name"])
            query = {"sort": "name", "limit": "1"} if "nextCursor" in result else {}
            query |= {"cursor": result["nextCursor"]} if query else {}
        assert walked == found


def matching(all_: list[Any], asked: dict[str, Any]) -> list[Any]:
    """Return those of *all_* that are *asked* for, in their order."""
    found = [
        one
        for one in all_
        if all(
            asked.get(field, one[field]) == one[field] for field in ("channel", "type", "isActive")
        )
        and normalize_for_search(asked.get("q", "")) in normalize_for_search(one["name"])
    ]
    order = asked.get("sort", "createdAt")
    column = order.removeprefix("-")
    return sorted(found, key=lambda one: sort_key(one[column]), reverse=order.startswith("-"))


@pytest.mark.parametrize("size", ["limit", "pageSize"])
def test_numbered_pages_divide_the_list(client: httpx2.Client, size: str) -> None:
    pages = [names(client, page=page, **{size: 2}) for page in (1, 2, 3, 4)]
    assert pages == [NAMES[:2], NAMES[2:4], NAMES[4:], []]
    assert result(client, page=9, limit=2)["totalCount"] == 5


def test_a_page_without_a_limit_has_twenty(client: httpx2.Client) -> None:
    assert names(client, page=1) == NAMES
    assert names(client, page=2) == []


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt", "name", "-name", "updatedAt"])
def test_cursors_page_through_the_list(client: httpx2.Client, sort: str) -> None:
    page = result(client, sort=sort, limit=2)
    seen = [*page["data"]]
    while "nextCursor" in page:
        page = result(client, cursor=page["nextCursor"], limit=2)
        seen += page["data"]
    assert [integration["name"] for integration in seen] == names(client, sort=sort)


def test_a_change_between_two_pages_neither_repeats_nor_hides_a_row(
    service: Service,
) -> None:
    with service.caller(workspace="moving") as client:
        body = {"type": "TWILIO", "channel": "SMS"}
        for name in "abcd":
            client.post(PATH, json=body | {"name": name})
        first = result(client, limit=2)
        client.delete(f"{PATH}/{first['data'][0]['id']}")
        client.post(PATH, json=body | {"name": "e"})
        rest = result(client, cursor=first["nextCursor"], limit=200)
        assert [integration["name"] for integration in rest["data"]] == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("parameters", "field", "code"),
    [
        ({"channel": "FAX"}, "channel", "NOT_ALLOWED"),
        ({"type": "FAX"}, "type", "NOT_ALLOWED"),
        ({"isActive": "1"}, "isActive", "WRONG_TYPE"),
        ({"sort": "id"}, "sort", "NOT_ALLOWED"),
        ({"limit": "0"}, "limit", "OUT_OF_RANGE"),
        ({"limit": "201"}, "limit", "OUT_OF_RANGE"),
        ({"page": "x"}, "page", "WRONG_TYPE"),
        ({"q": ""}, "q", "WRONG_LENGTH"),
        ({"q": "a\x00"}, "q", "CONTROL_CHARACTER"),
        ({"cursor": "nonsense"}, "cursor", "INVALID_CURSOR"),
        ({"cursor": "WyJuIixmYWxzZSwiYSIsImIiXQ", "sort": "createdAt"}, "cursor", "INVALID_CURSOR"),
        ({"cursor": "WyJuIixmYWxzZSwiYSIsImIiXQ", "page": "2"}, "cursor", "CONFLICTING_PARAMETERS"),
        ({"limit": "2", "pageSize": "2"}, "pageSize", "CONFLICTING_PARAMETERS"),
        ({"sortt": "id"}, "sortt", "UNKNOWN_PARAMETER"),
    ],
)
def test_every_wrong_parameter_is_named_in_the_details(
    client: httpx2.Client, parameters: dict[str, str], field: str, code: str
) -> None:
    answer = client.get(PATH, params=parameters)
    assert answer.status_code == 400
    details = answer.json()["result"]["details"]
    assert (details[0]["field"], details[0]["code"]) == (field, code)


def test_the_entity_tag_changes_with_the_content(service: Service) -> None:
    with service.caller(workspace="tagged") as client:
        empty = client.get(PATH)
        assert client.get(PATH, headers={"If-None-Match": empty.headers["ETag"]}).status_code == 304
        client.post(PATH, json={"name": "a", "type": "TWILIO", "channel": "SMS"})
        known = {"If-None-Match": empty.headers["ETag"]}
        assert client.get(PATH, headers=known).status_code == 200
