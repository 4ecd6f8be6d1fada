"""Requests that read much: two at once in a workspace, within a time, for a client who waits."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx2
import psycopg
import pytest

from app.bootstrap import build_dependencies
from app.event_store import idempotency
from app.http import expensive_requests
from app.http.application import create_app
from app.settings import read_settings
from app.startup_checks import join
from app.tokens.local_key import open_local_key
from app.views import as_of
from tests.support.service import Service

LIST = "/en/api/integration"
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}
PAST = f"{LIST}?asOf=1000000"
# Each reads much, in its own way.
EXPENSIVE = (
    PAST,
    f"{LIST}?asOf=2999-01-01&limit=1",
    f"{LIST}?q=a",
    f"{LIST}?q=ab&limit=1",
    "/en/api/history-log?userId=t",
    "/en/api/history-log?action=INTEGRATION_ADDED",
    "/en/api/history-log?startDate=2026-01-01",
    "/en/api/audit/export",
    "/en/api/integration-accesses?field=apiKey",
    "/en/api/integration-accesses?credentialVersion=1",
)
CHEAP = (LIST, f"{LIST}?q=abc", f"{LIST}?channel=EMAIL")


@contextmanager
def locked_log(service: Service) -> Generator[psycopg.Connection]:
    """Let nobody read the log, so that what reads it takes its time."""
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE integrations.events IN ACCESS EXCLUSIVE MODE")
        yield connection


def wait_for_waiting(connection: psycopg.Connection, amount: int, seconds: float = 60) -> None:
    """Wait until *amount* lists of the past wait for the log."""
    deadline = time.monotonic() + seconds
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'sequence_at'
    """
    while (found := connection.execute(query).fetchone()) != (amount,):
        assert time.monotonic() < deadline, found
        connection.execute("SELECT pg_stat_clear_snapshot()")
        time.sleep(0.05)


def test_a_third_at_once_gets_429_and_others_are_served(service: Service, workspace: str) -> None:
    with (
        service.caller(workspace) as client,
        service.caller(f"{workspace}-2") as other,
        ThreadPoolExecutor(20) as threads,
    ):
        client.post(LIST, json=BODY)
        with locked_log(service) as connection:
            running = [threads.submit(client.get, PAST) for _ in range(2)]
            wait_for_waiting(connection, 2)
            neighbour = threads.submit(other.get, f"{LIST}?q=a")
            answers = dict(
                zip(EXPENSIVE + CHEAP, threads.map(client.get, EXPENSIVE + CHEAP), strict=True)
            )
            assert neighbour.result().status_code == 200
        assert [each.result().status_code for each in running] == [200, 200]
        assert client.get(PAST).status_code == 200

    for path in EXPENSIVE:
        assert (path, answers[path].status_code) == (path, 429)
        assert int(answers[path].headers["retry-after"]) == expensive_requests.RETRY_AFTER
        assert answers[path].json()["result"]["error"] == "TOO_MANY_REQUESTS"
    assert [answers[path].status_code for path in CHEAP] == [200] * len(CHEAP)


def test_a_client_that_leaves_makes_room(service: Service, workspace: str) -> None:
    host, port = service.address.removeprefix("http://").split(":")
    with service.caller(workspace) as client, ThreadPoolExecutor(1) as threads:
        client.post(LIST, json=BODY)
        token = client.headers["authorization"]
        head = f"GET {PAST} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
        with locked_log(service) as connection:
            for _ in range(2):
                with socket.create_connection((host, int(port))) as leaving:
                    leaving.sendall(head.encode())
                    wait_for_waiting(connection, 1)
                wait_for_waiting(connection, 0, 3)  # cancelled; the database gives up after 5
            third = threads.submit(client.get, PAST)
            wait_for_waiting(connection, 1)
        assert third.result().status_code == 200


@pytest.fixture
async def caller(
    dsn: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the application in this process, whose limits a test can change."""
    monkeypatch.setattr(idempotency, "CLEANUP_INTERVAL", 0.05)
    settings = read_settings({"INTEGRATIONS_DATA_DIR": str(data_dir)})
    await join(settings, dsn)
    dependencies = build_dependencies(settings, dsn)
    token = open_local_key(data_dir).issue(
        workspace="w",
        subject="t",
        ttl=600,
        issuer="integrations",
        audience="integrations",
        now=time.time(),
        role="ADMIN",
    )
    async with (
        dependencies.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=create_app(dependencies)),
            base_url="http://x",
            headers={"Authorization": f"Bearer {token}"},
        ) as client,
    ):
        yield client


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_too_many_stored_responses_refuse_new_keys_alone(
    caller: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_RESPONSES", 1)

    async def create(number: int) -> httpx2.Response:
        return await caller.post(LIST, json=BODY, headers={"Idempotency-Key": f"key-{number}"})

    assert [(await create(number)).status_code for number in range(2)] == [201, 201]
    numbers = count(2)
    async with asyncio.timeout(60):
        while (refused := await create(next(numbers))).status_code == 201:  # noqa: ASYNC110 — they are counted now and then
            await asyncio.sleep(0.05)

    repeated = await create(1)
    without = await caller.post(LIST, json=BODY)

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    message = "Too many requests with an idempotency key within 24 hours"
    assert refused.json()["result"]["message"] == message
    assert (repeated.status_code, without.status_code) == (201, 201)
    assert repeated.headers["idempotency-replayed"] == "true"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_log_that_is_too_long_is_not_read(
    caller: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "MAX_EVENTS", 3)
    places = [(await caller.post(LIST, json=BODY)).headers["location"] for _ in range(3)]
    assert (await caller.get(PAST)).status_code == 200

    for name in "abc":
        await caller.patch(places[0], json={"name": name})

    for path in (PAST, f"{places[0]}?asOf=1000000", f"{LIST}?asOf=2999-01-01&limit=1"):
        refused = await caller.get(path)
        assert (path, refused.status_code) == (path, 422)
        assert refused.json()["result"]["error"] == "UNPROCESSABLE"
        [detail] = refused.json()["result"]["details"]
        assert (detail["field"], detail["code"]) == ("asOf", "TOO_MANY_EVENTS")
    for path in (f"{places[1]}?asOf=1000000", f"{LIST}?asOf=3", f"{places[0]}?asOf=3"):
        assert (path, (await caller.get(path)).status_code) == (path, 200)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_what_takes_too_long_is_given_up(
    caller: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    assert (await caller.get(PAST)).status_code == 200
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("LOCK TABLE integrations.events IN ACCESS EXCLUSIVE MODE")
        with monkeypatch.context() as patch:
            patch.setattr(expensive_requests, "DEADLINE", 0.2)
            async with asyncio.timeout(4.5):  # the database gives up after 5
                refused = await caller.get(PAST)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert (await caller.get(PAST)).status_code == 200
