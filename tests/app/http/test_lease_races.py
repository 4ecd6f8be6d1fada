"""Leases next to changes: a lease is of one moment, whatever happens meanwhile."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import httpx2
import psycopg
import pytest

from tests.support.service import Service
from tests.support.worker import Worker, claims_of

PATH = "/en/api/integration"
LEASES, ROTATIONS = 300, 20  # at least
ONE_STATEMENT = "SELECT version, versions[1] FROM integrations.lease_material(%s, %s)"
STATE = "SELECT version FROM integrations.integration_view WHERE workspace_id = %s AND id = %s"
SECRET = "SELECT version FROM integrations.secret_store WHERE workspace_id = %s AND stream = %s"  # noqa: S105 — a statement


def key_of(version: int) -> str:
    return f"SG.the-key-of-version-{version}"


@pytest.fixture
def integration(client: httpx2.Client, body: dict[str, Any]) -> str:
    """One whose version is that of its key, as nothing but its key is changed."""
    created = client.post(PATH, json={**body, "apiKey": key_of(1)})
    return created.json()["result"]["data"]["id"]


@contextmanager
def rotating(client: httpx2.Client, integration: str) -> Generator[list[int]]:
    """Replace the key again and again, until the end; the list grows by each new version."""
    ended = Event()
    versions = [1]

    def rotate() -> None:
        while not ended.is_set():
            version = versions[-1] + 1
            body = {"apiKey": key_of(version)}
            answer = client.put(f"{PATH}/{integration}/credentials", json=body)
            assert answer.headers["etag"] == f'"{version}"', answer.text
            versions.append(version)

    with ThreadPoolExecutor(1) as thread:
        rotations = thread.submit(rotate)
        try:
            yield versions
        finally:
            ended.set()
        rotations.result()


def test_next_to_rotations_each_lease_holds_the_key_of_its_version(
    client: httpx2.Client, integration: str, worker: Worker
) -> None:
    responses: list[httpx2.Response] = []
    with rotating(client, integration) as rotated, ThreadPoolExecutor(4) as threads:
        while len(responses) < LEASES or len(rotated) < ROTATIONS:
            responses += threads.map(worker.lease, [integration] * 20)

    for response in responses:
        version = claims_of(response)["version"]
        assert worker.open(response)["apiKey"] == key_of(version)
        assert claims_of(response)["credentials"] == [{"field": "apiKey", "version": version}]


def test_the_negative_control_two_statements_next_to_rotations_do_not_match(
    client: httpx2.Client, integration: str, service: Service, workspace: str
) -> None:
    parted = rounds = 0
    dsn = service.environment["INTEGRATIONS_DATABASE_URL"]
    with (
        rotating(client, integration) as rotated,
        psycopg.connect(dsn, autocommit=True) as database,
    ):
        while rounds < LEASES or len(rotated) < ROTATIONS or not parted:
            rounds += 1
            [(state, secret)] = database.execute(ONE_STATEMENT, ([workspace], [integration]))
            assert state == secret
            [(state,)] = database.execute(STATE, (workspace, integration))
            [(secret,)] = database.execute(SECRET, (workspace, integration))
            parted += state != secret


def test_next_to_toggles_and_a_removal_there_is_a_lease_or_the_reason_why_not(
    client: httpx2.Client, integration: str, worker: Worker
) -> None:
    def change() -> None:
        for number in range(21):
            body = {"isActive": number % 2 == 1}
            client.post(f"{PATH}/{integration}/toggle", json=body).raise_for_status()
        client.delete(f"{PATH}/{integration}").raise_for_status()

    with ThreadPoolExecutor(4) as threads:
        changes = threads.submit(change)
        responses: list[httpx2.Response] = []
        while not changes.done():
            responses += threads.map(worker.lease, [integration] * 3)
        changes.result()
        after = worker.lease(integration)

    assert {response.status_code for response in responses} <= {200, 404, 409}
    assert {worker.open(r)["apiKey"] for r in responses if r.status_code == 200} <= {key_of(1)}
    assert after.status_code == 404
