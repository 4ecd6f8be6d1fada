"""Checks under way: shared, repeated after a change, and limited for each workspace."""

import json
import threading
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest

from tests.app.http.conftest import Problem
from tests.support.any_provider import Provider
from tests.support.checks import PATH, SENDGRID, created
from tests.support.service import Service
from tests.support.waiting import wait_until

IN_PROGRESS = "integrations_http_requests_in_progress"


@pytest.fixture
def client(checking_service: Service, workspace: str) -> Iterator[httpx2.Client]:
    with checking_service.caller(workspace) as client:
        yield client


def test_a_change_during_a_check_does_not_repeat_the_check(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)
    provider.release.clear()
    answers: list[httpx2.Response] = []
    check = threading.Thread(
        target=lambda: answers.append(client.post(f"{PATH}/{id_}/check")), daemon=True
    )
    check.start()
    provider.wait_for_requests(1)
    client.post(f"{PATH}/{id_}/toggle", json={"isActive": False})
    provider.release.set()
    check.join(10)

    assert answers[0].json()["result"]["data"]["outcome"] == "ok"
    assert provider.requests == 1
    actions = [e["action"] for e in client.get(f"{PATH}/{id_}/history").json()["result"]["data"]]
    assert actions == ["CREDENTIALS_CHECKED", "INTEGRATION_DISABLED", "INTEGRATION_ADDED"]


CHANGED = {
    "settings": ("PATCH", "", {"settings": {"region": "GLOBAL"}}),
    "a key": ("PUT", "/credentials", {"apiKey": SENDGRID["apiKey"].replace("k", "j")}),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_check_of_what_is_not_stored_any_more_is_repeated(
    client: httpx2.Client, provider: Provider, what: str
) -> None:
    method, place, change = CHANGED[what]
    id_ = created(client, SENDGRID | {"settings": {"region": "EU"}})
    provider.release.clear()
    answers: list[httpx2.Response] = []

    def check() -> None:
        answers.append(client.post(f"{PATH}/{id_}/check"))

    threads = [threading.Thread(target=check, daemon=True) for _ in range(2)]
    threads[0].start()
    provider.wait_for_requests(1)
    assert client.request(method, f"{PATH}/{id_}{place}", json=change).status_code == 200
    threads[1].start()
    provider.wait_for_requests(2)  # the second does not join the first
    provider.release.set()
    for thread in threads:
        thread.join(60)

    region = "GLOBAL" if what == "settings" else "EU"
    assert [each.json()["result"]["data"]["region"] for each in answers] == [region] * 2


def requests_in_progress(client: httpx2.Client) -> float:
    """Return how many requests the service says that it is processing."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(IN_PROGRESS))


def test_a_check_under_way_is_shared_and_recorded_once(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)
    provider.release.clear()
    answers: list[httpx2.Response] = []

    def check(number: int) -> None:
        headers = {"Idempotency-Key": str(UUID(int=number))} if number % 2 else {}
        answers.append(client.post(f"{PATH}/{id_}/check", headers=headers))

    threads = [threading.Thread(target=check, args=(n,), daemon=True) for n in range(20)]
    for thread in threads:
        thread.start()
    provider.wait_for_requests(1)
    wait_until(lambda: requests_in_progress(client) >= len(threads))
    for _ in range(50):  # those that are in progress come to where they wait
        client.get(f"{PATH}/{id_}")
    elapsed = client.get(f"{PATH}/{id_}").elapsed.total_seconds()
    provider.release.set()
    for thread in threads:
        thread.join(60)

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({json.dumps(answer.json()["result"]["data"]) for answer in answers}) == 1
    assert provider.requests == 1
    assert elapsed < 10  # it does not wait for the check, which waits for the provider
    actions = [e["action"] for e in client.get(f"{PATH}/{id_}/history").json()["result"]["data"]]
    assert actions == ["CREDENTIALS_CHECKED", "INTEGRATION_ADDED"]
    again = client.post(f"{PATH}/{id_}/check", headers={"Idempotency-Key": str(UUID(int=1))})
    assert again.headers["idempotency-replayed"] == "true"


def test_more_checks_at_once_than_a_workspace_may_have_are_429(
    checking_service: Service, client: httpx2.Client, provider: Provider, problem: Problem
) -> None:
    ids = [created(client, SENDGRID) for _ in range(5)]
    provider.release.clear()
    threads = [
        threading.Thread(target=client.post, args=(f"{PATH}/{id_}/check",), daemon=True)
        for id_ in ids[:4]
    ]
    for thread in threads:
        thread.start()
    provider.wait_for_requests(4)

    refused = client.post(f"{PATH}/{ids[4]}/check")
    with checking_service.caller("workspace-with-room") as other:
        id_ = created(other, SENDGRID)
        threads.append(threading.Thread(target=other.post, args=(f"{PATH}/{id_}/check",)))
        threads[-1].start()
        provider.wait_for_requests(5)
        provider.release.set()
        for thread in threads:
            thread.join(60)

    problem(refused, 429, "TOO_MANY_REQUESTS")
    assert refused.headers["retry-after"] == "1"
    assert client.post(f"{PATH}/{ids[4]}/check").status_code == 200


def test_a_workspace_whose_checks_all_hang_does_not_hold_up_another(
    checking_service: Service, client: httpx2.Client, provider: Provider, problem: Problem
) -> None:
    provider.held = "a" * 22  # its keys; those of the others are answered at once
    hanging = [
        created(client, SENDGRID | {"apiKey": f"SG.{'a' * 22}.{n}" + "b" * 42}) for n in range(5)
    ]
    provider.release.clear()
    ended: list[httpx2.Response] = []

    def check(id_: str) -> None:
        ended.append(client.post(f"{PATH}/{id_}/check"))

    threads = [threading.Thread(target=check, args=(id_,), daemon=True) for id_ in hanging[:4]]
    for thread in threads:
        thread.start()
    provider.wait_for_requests(4)
    problem(client.post(f"{PATH}/{hanging[4]}/check"), 429, "TOO_MANY_REQUESTS")

    for number in range(6):
        with checking_service.caller(f"neighbour-{number}") as other:
            answer = other.post(f"{PATH}/{created(other, SENDGRID)}/check")
        assert answer.json()["result"]["data"]["outcome"] == "ok"

    still_hanging = not ended
    provider.release.set()
    for thread in threads:
        thread.join(60)
    assert still_hanging
    assert [answer.status_code for answer in ended] == [200] * 4


def test_a_workspace_at_its_limit_learns_nothing_of_any_key(
    checking_service: Service, provider: Provider, problem: Problem
) -> None:
    with checking_service.caller("workspace-in-haste") as client:
        id_ = created(client, SENDGRID)
        others = [created(client, SENDGRID | {"apiKey": key}) for key in (None, "SG.x", "a b")]
        answers = [client.post(f"{PATH}/{id_}/check") for _ in range(60)]
        refused = [client.post(f"{PATH}/{one}/check") for one in (id_, *others)]
        client.put(f"{PATH}/{id_}/credentials", json={"apiKey": "SG.new"})
        refused.append(client.post(f"{PATH}/{id_}/check"))
        problem(client.post(f"{PATH}/int_{'0' * 26}/check"), 404, "NOT_FOUND")
        history = client.get(f"{PATH}/{id_}/history").json()["result"]["totalCount"]
    with checking_service.caller("workspace-at-rest") as other:
        answer = other.post(f"{PATH}/{created(other, SENDGRID)}/check")

    assert [answer.status_code for answer in answers] == [200] * 60
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refused)
    for each in refused:
        problem(each, 429, "TOO_MANY_REQUESTS")
    assert len({each.json()["result"]["message"] for each in refused}) == 1
    assert history == 62  # creation, the checks, the new key
    assert (answer.json()["result"]["data"]["outcome"], provider.requests) == ("ok", 61)
