"""Leases by channel: the credentials of the integration that is its default."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2

from tests.app.http.conftest import Problem
from tests.app.http.integrations.conftest import Create
from tests.support.defaults import DEFAULTS, EMAIL, PATH, SECRET, accesses, choose, states, toggle
from tests.support.service import Service
from tests.support.worker import Worker, claims_of


def lease(worker: Worker, channel: str = "EMAIL", **more: Any) -> httpx2.Response:
    return worker.client.post(f"{DEFAULTS}/{channel}/lease", **more)


def test_a_lease_by_channel_is_one_of_the_integration_that_is_chosen(
    client: httpx2.Client, create: Create, worker: Worker
) -> None:
    mail = create()
    choose(client, mail)

    leased = lease(worker, json={"purpose": "campaign:1"})

    assert worker.open(leased)["apiKey"] == SECRET
    assert worker.open(leased)["channel"] == "EMAIL"
    assert claims_of(leased)["integrationId"] == mail
    assert leased.json()["result"]["data"]["integrationId"] == mail
    assert leased.headers["etag"] == worker.lease(mail).headers["etag"]
    assert accesses(client, integrationId=mail) == [(mail, "GRANTED")] * 2


def test_without_a_default_there_is_no_lease_and_a_record(
    client: httpx2.Client, create: Create, worker: Worker, problem: Problem
) -> None:
    create()
    problem(lease(worker), 409, "NO_DEFAULT")
    assert accesses(client) == [("def_EMAIL", "NO_DEFAULT")]
    problem(lease(worker, "FAX"), 404, "NOT_FOUND")
    problem(lease(worker, "email"), 404, "NOT_FOUND")
    problem(worker.client.post(f"{PATH}/def_EMAIL/lease"), 404, "NOT_FOUND")


def test_off_is_no_lease_and_no_substitute_until_it_is_on_again(
    client: httpx2.Client, create: Create, worker: Worker, problem: Problem
) -> None:
    mail, _ = create(), create()
    choose(client, mail)

    toggle(client, mail, on=False)
    problem(lease(worker), 409, "DEFAULT_INACTIVE")
    assert states(client) == {"EMAIL": (mail, "inactive")}
    toggle(client, mail, on=True)

    assert claims_of(lease(worker))["integrationId"] == mail
    assert accesses(client) == [(mail, "GRANTED"), (mail, "DEFAULT_INACTIVE")]


def test_a_deleted_default_is_no_lease_until_another_is_chosen(
    client: httpx2.Client, create: Create, worker: Worker, problem: Problem
) -> None:
    mail, other = create(), create()
    choose(client, mail)

    client.delete(f"{PATH}/{mail}")

    problem(lease(worker), 409, "DEFAULT_INACTIVE")
    assert states(client) == {"EMAIL": (mail, "deleted")}
    assert accesses(client) == [(mail, "DEFAULT_INACTIVE")]
    choose(client, other)
    assert claims_of(lease(worker))["integrationId"] == other


def test_no_role_and_no_other_workspace_leases_by_channel(
    service: Service, client: httpx2.Client, create: Create, problem: Problem
) -> None:
    choose(client, create())
    problem(client.post(f"{EMAIL}/lease"), 403, "FORBIDDEN")
    stranger = Worker(service, f"other-{uuid4().hex}")
    with stranger.client:
        problem(lease(stranger), 409, "NO_DEFAULT")


def test_a_token_without_a_key_gets_no_lease_by_channel(
    service: Service, client: httpx2.Client, workspace: str, create: Create, problem: Problem
) -> None:
    mail = create()
    choose(client, mail)
    with service.client("--permission", "integrations:resolve", workspace=workspace) as keyless:
        problem(keyless.post(f"{EMAIL}/lease"), 403, "RECIPIENT_REQUIRED")
    assert accesses(client) == [(mail, "RECIPIENT_REQUIRED")]


def test_next_to_every_change_a_lease_is_whole_or_refused(
    client: httpx2.Client, create: Create, worker: Worker
) -> None:
    secrets = [f"SG.key-number-{number}" for number in (1, 2)]
    keys = {create(apiKey=secret): secret for secret in secrets}
    first, second = keys
    choose(client, first)

    def change(number: int) -> None:
        mail = (first, second)[number % 2]
        changes: list[Callable[[], object]] = [
            lambda: choose(client, mail),
            lambda: toggle(client, mail, on=number % 3 > 0),
            lambda: client.put(f"{PATH}/{mail}/credentials", json={"apiKey": keys[mail]}),
            lambda: client.delete(EMAIL),
        ]
        changes[number // 2 % 4]()

    with ThreadPoolExecutor(8) as threads:
        changing = [threads.submit(change, number) for number in range(40)]
        leasing = [threads.submit(lease, worker) for _ in range(60)]
        leased = [each.result() for each in leasing]
        assert [each.result() for each in changing] == [None] * 40

    refused = {each.json()["result"]["error"] for each in leased if each.status_code != 200}
    assert refused <= {"NO_DEFAULT", "DEFAULT_INACTIVE"}
    for each in leased:
        if each.status_code == 200:
            assert worker.open(each)["apiKey"] == keys[claims_of(each)["integrationId"]]
