"""ETag, If-Match and If-None-Match over HTTP (RFC 9110, 13.1)."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

PATH = "/en/api/integration"
BODY = {"name": "Tagged", "type": "TWILIO", "channel": "SMS", "isActive": False}


def test_the_tag_is_the_version_and_grows_with_every_event(service: Service) -> None:
    with service.caller("tags") as client:
        created = client.post(PATH, json=BODY)
        place = created.headers["Location"]
        changed = client.patch(place, json={"name": "Other", "isActive": True})
        assert created.headers["ETag"] == '"1"'
        assert changed.headers["ETag"] == client.get(place).headers["ETag"] == '"3"'


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"1"', 200), ("*", 200), ('"7", "1"', 200), (', "1" ,\t,', 200), ('W/"1", "1"', 200),
        ('"2"', 412), ('W/"1"', 412), ('"abc"', 412), ('""', 412), ('"01"', 412),
        ('W/"2", "x"', 412),
    ],
)  # fmt: skip
def test_if_match_accepts_only_the_current_version(
    service: Service, if_match: str, status: int
) -> None:
    with service.caller("if-match") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        headers = {"If-Match": if_match}
        assert client.patch(place, json={"name": "Other"}, headers=headers).status_code == status
        assert client.delete(place, headers={"If-Match": '"9"'}).status_code == 412


def check(client: httpx2.Client, place: str, **headers: str) -> None:
    """Have the credentials checked, and the check recorded."""
    assert client.post(f"{place}/check", headers=headers).status_code == 200
    newest = client.get(f"{place}/history").json()["result"]["data"][0]
    assert newest["action"] == "CREDENTIALS_CHECKED"


CHANGES: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "PATCH": ("PATCH", "", {"name": "Other"}),
    "a PATCH that changes nothing": ("PATCH", "", {"name": "Tagged"}),
    "toggle": ("POST", "/toggle", {"isActive": True}),
    "PUT credentials": ("PUT", "/credentials", {"apiKey": "AC" + "0" * 32}),
    "DELETE": ("DELETE", "", None),
}


MALFORMED: list[str | bytes] = [
    *("1", "abc", "", ",", "'1'", '"1', '1"', 'w/"1"', "W/1", '"1" "2"', '"1";', "W/*"),
    *("\u201c1\u201d".encode(), '"1"x', '"a b"', "**"),
]
INTEGRATION_CHANGED = "The integration has changed since it was read"
DEFAULT_CHANGED = "The default of the channel has changed since it was read"
NO_VERSION = (
    "If-Match names no version; send the ETag of what you change, in its quotation marks and"
    " without W/"
)


@pytest.mark.parametrize(
    ("if_match", "integration", "default"),
    [
        ('"9"', INTEGRATION_CHANGED, DEFAULT_CHANGED),
        ('"9", W/"1"', INTEGRATION_CHANGED, DEFAULT_CHANGED),
        ('W/"1"', NO_VERSION, NO_VERSION),
        ('"abc"', NO_VERSION, NO_VERSION),
        ('"0"', NO_VERSION, NO_VERSION),
        *((each, NO_VERSION, NO_VERSION) for each in MALFORMED),
    ],
)
def test_a_412_says_what_has_changed_or_that_no_version_is_named(
    service: Any, problem: Any, if_match: str | bytes, integration: str, default: str
) -> None:
    with service.caller("texts-of-412") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        headers = {"If-Match": if_match}
        for path, message in ((place, integration), ("/en/api/integration-defaults/SMS", default)):
            answer = client.delete(path, headers=headers)
            assert problem(answer, 412, "PRECONDITION_FAILED")["message"] == message


ONE_IS_THERE = "If-None-Match names the version that is there"
DEFAULT = "/en/api/integration-defaults/SMS"


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [('"1"', 412), ('W/"1"', 412), ("*", 412), ('"7", "1"', 412), ('"7"', 200), ("1", 200)],
)
@pytest.mark.parametrize("change", CHANGES)
def test_if_none_match_on_a_change_forbids_the_present_version(
    service: Service, problem: Any, change: str, if_none_match: str, status: int
) -> None:
    method, path, body = CHANGES[change]
    with service.caller("if-none-match-changes") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        headers = {"If-None-Match": if_none_match}
        answer = client.request(method, place + path, json=body, headers=headers)
        if status == 412:
            assert problem(answer, 412, "PRECONDITION_FAILED")["message"] == ONE_IS_THERE
        assert answer.status_code == status


def test_a_star_needs_a_default_or_none(service: Service, workspace: str) -> None:
    with service.caller(workspace) as client:
        created = client.post(PATH, json=BODY | {"isActive": True}).json()["result"]["data"]
        body = {"integrationId": f" {created['id']}\n"}
        one, none = {"If-Match": "*"}, {"If-None-Match": "*"}
        for headers, status in ((one, 412), (none, 200), (none, 412), (one, 200)):
            assert client.put(DEFAULT, json=body, headers=headers).status_code == status
        for headers, status in ((none, 412), (one, 200), (one, 412), (none, 200)):
            assert client.delete(DEFAULT, headers=headers).status_code == status
        assert client.post(PATH, json=BODY, headers=none).status_code == 201


@pytest.mark.parametrize("change", CHANGES)
def test_a_check_is_not_an_edit_for_if_match(service: Service, change: str) -> None:
    """samson#3447, headlamp#4098: read, check, change."""
    method, path, body = CHANGES[change]
    with service.caller("checked") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        client.patch(place, json={"senderPhone": "+15005550006"})
        tag = client.get(place).headers["ETag"]
        assert tag == '"2"'
        check(client, place)
        assert client.get(place).headers["ETag"] == tag
        for outdated in ('"1"', '"3"'):
            headers = {"If-Match": outdated}
            response = client.request(method, place + path, json=body, headers=headers)
            assert response.status_code == 412
        response = client.request(method, place + path, json=body, headers={"If-Match": tag})
        assert response.status_code == 200


@pytest.mark.parametrize(
    "query",
    ["", "?limit=2", "?sort=-updatedAt", "?sort=updatedAt&page=1", "?q=tagged", "?asOf=2099-01-01"],
)
def test_a_check_moves_no_validator_of_what_is_shown(
    service: Service, workspace: str, query: str
) -> None:
    with service.caller(workspace) as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        client.post(PATH, json=BODY)
        shown = [(path, client.get(path).headers["ETag"]) for path in (PATH + query, place)]
        before = client.get(PATH + query).json()
        check(client, place)
        assert client.get(PATH + query).json() == before
        for path, tag in shown:
            response = client.get(path, headers={"If-None-Match": tag})
            assert (response.status_code, response.content) == (304, b"")
        client.post(f"{place}/toggle", json={"isActive": True})
        for path, tag in shown:
            assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_the_tag_of_the_past_is_not_moved_by_a_check(service: Service) -> None:
    with service.caller("checked-past") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        check(client, place)
        position = client.get(f"{place}/history").json()["result"]["data"][0]["position"]
        client.patch(place, json={"name": "Other"})
        at_check = client.get(place, params={"asOf": str(position)})
        assert (at_check.headers["ETag"], client.get(place).headers["ETag"]) == ('"1"', '"3"')


def test_a_replayed_response_has_a_tag_that_still_matches_after_a_check(service: Service) -> None:
    with service.caller("checked-replay") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        request: dict[str, Any] = {
            "json": {"name": "Other"},
            "headers": {"Idempotency-Key": place},
        }
        first = client.patch(place, **request)
        check(client, place)
        replayed = client.patch(place, **request)
        assert replayed.headers["Idempotency-Replayed"] == "true"
        assert replayed.headers["ETag"] == first.headers["ETag"] == '"2"'
        headers = {"If-Match": replayed.headers["ETag"]}
        assert client.patch(place, json={"name": "3"}, headers=headers).headers["ETag"] == '"4"'


def test_the_tag_of_a_page_changes_with_its_next_cursor(service: Service, workspace: str) -> None:
    with service.caller(workspace) as client:
        ids = [
            client.post(PATH, json=BODY | {"name": name}).json()["result"]["data"]["id"]
            for name in "bcd"
        ]
        page = client.get(PATH, params={"sort": "name", "limit": "1"}).json()["result"]
        query = {"limit": "1", "cursor": page["nextCursor"]}
        before = client.get(PATH, params=query)
        assert "nextCursor" in before.json()["result"]
        client.delete(f"{PATH}/{ids[2]}")
        client.post(PATH, json=BODY | {"name": "a"})
        after = client.get(PATH, params=query, headers={"If-None-Match": before.headers["ETag"]})
        assert "nextCursor" not in after.json()["result"]


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ('"1"', 304),
        ('W/"1"', 304),
        ("*", 304),
        ('"3", "1"', 304),
        ('"2"', 200),
        ("", 200),
        ("1", 200),
    ],
)
def test_if_none_match_omits_a_known_body(
    service: Service, if_none_match: str, status: int
) -> None:
    with service.caller("if-none-match") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        answer = client.get(place, headers={"If-None-Match": if_none_match})
        assert answer.status_code == status
        assert (answer.content == b"") is (status == 304)


def test_of_fifty_toggles_of_one_version_one_wins_and_the_log_shows_the_winners(
    service: Service,
) -> None:
    with service.caller("fifty") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
    wins, rounds = 0, 3

    for version in range(1, rounds + 1):
        start = threading.Barrier(50)

        def toggle(_: int, version: int = version, start: threading.Barrier = start) -> int:
            with service.caller("fifty") as client:
                start.wait()
                return client.post(
                    f"{place}/toggle",
                    json={"isActive": version % 2 == 1},
                    headers={"If-Match": f'"{version}"'},
                ).status_code

        with ThreadPoolExecutor(50) as pool:
            statuses = Counter(pool.map(toggle, range(50)))
        assert statuses == {200: 1, 412: 49}
        wins += statuses[200]
    with service.caller("fifty") as client:
        history = client.get(f"{place}/history").json()["result"]
        assert client.get(place).headers["ETag"] == f'"{wins + 1}"'
    assert history["totalCount"] == wins + 1


def test_without_if_match_the_last_one_wins_and_every_change_is_in_the_log(
    service: Service,
) -> None:
    with service.caller("last-wins") as client:
        place = client.post(PATH, json=BODY).headers["Location"]

    def rename(number: int) -> int:
        with service.caller("last-wins") as client:
            return client.patch(place, json={"name": f"Name {number}"}).status_code

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(rename, range(30))) == {200: 30}
    with service.caller("last-wins") as client:
        history = client.get(f"{place}/history", params={"limit": "200"}).json()["result"]["data"]
        names = [entry["details"]["changes"]["name"]["to"] for entry in history]
        assert names[0] == client.get(place).json()["result"]["data"]["name"]
        assert sorted(names[:-1]) == sorted(f"Name {number}" for number in range(30))
