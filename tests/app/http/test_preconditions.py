"""ETag, If-Match and If-None-Match over HTTP (contract, 7; RFC 9110, 13.1)."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

PATH = "/en/api/integration"
BODY = {"name": "Tagged", "type": "TWILIO", "channel": "SMS", "isActive": False}


def test_the_tag_is_the_version_and_grows_with_every_event(service: Any) -> None:
    with service.caller("tags") as client:
        created = client.post(PATH, json=BODY)
        place = created.headers["Location"]
        changed = client.patch(place, json={"name": "Other", "isActive": True})
        assert created.headers["ETag"] == '"1"'
        assert changed.headers["ETag"] == client.get(place).headers["ETag"] == '"3"'


@pytest.mark.parametrize(
    ("if_match", "status"),
    [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"2"', 412), ('W/"1"', 412), ("1", 412)],
)
def test_if_match_accepts_only_the_current_version(
    service: Any, if_match: str, status: int
) -> None:
    with service.caller("if-match") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        headers = {"If-Match": if_match}
        assert client.patch(place, json={"name": "Other"}, headers=headers).status_code == status
        assert client.delete(place, headers={"If-Match": '"9"'}).status_code == 412


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [('"1"', 304), ('W/"1"', 304), ("*", 304), ('"3", "1"', 304), ('"2"', 200), ("", 200)],
)
def test_if_none_match_omits_a_known_body(service: Any, if_none_match: str, status: int) -> None:
    with service.caller("if-none-match") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        answer = client.get(place, headers={"If-None-Match": if_none_match})
        assert answer.status_code == status
        assert (answer.content == b"") is (status == 304)


def test_of_fifty_toggles_of_one_version_one_wins_and_the_log_shows_the_winners(
    service: Any,
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


def test_without_if_match_the_last_one_wins_and_every_change_is_in_the_log(service: Any) -> None:
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
