"""No lease without its record, whenever a process dies and whatever the journal refuses."""

import os
import signal
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event

import httpx2
import psutil
import psycopg
import pytest

from tests.support.service import Service, StartService
from tests.support.worker import Worker, client_with

Patch = Callable[[str], None]
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.a-key"}
PURPOSES = "SELECT convert_from(envelope, 'UTF8')::jsonb ->> 'purpose' FROM integrations.accesses"
ENOUGH = 100  # leases before a process is killed
# Run at the start of every Python of the service.
DIES_BEFORE_ITS_ANSWER = """
import os, signal
from app.secrets import lease

lease.seal_for = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""
RECORDS_LATER = """
import asyncio
from app.access.journal import AccessJournal

record, running = AccessJournal.record, set()


async def record_later(self, access):
    async def later():
        await asyncio.sleep(10)
        await record(self, access)

    running.add(asyncio.ensure_future(later()))


AccessJournal.record = record_later
"""


@pytest.fixture
def patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patch:
    """Let services that are started from now on run some code first."""

    def patch(code: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return patch


def create(service: Service) -> str:
    with client_with(service, workspaceId="demo", role="ADMIN") as admin:
        created = admin.post("/en/api/integration", json=BODY)
    return created.json()["result"]["data"]["id"]


def recorded(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as database:
        return {purpose for (purpose,) in database.execute(PURPOSES)}


# ----- Killed -----
def test_a_record_may_be_without_a_lease(
    start_service: StartService, data_dir: Path, dsn: str, patch: Patch
) -> None:
    patch(DIES_BEFORE_ITS_ANSWER)
    with start_service(data_dir, database_url=dsn) as service:
        integration, worker = create(service), Worker(service, "demo")
        with worker.client, pytest.raises(httpx2.HTTPError):
            worker.lease(integration, json={"purpose": "lost"})

    assert recorded(dsn) == {"lost"}


def lease_until_killed(service: Service) -> set[str]:
    """Lease for one purpose after another, kill all processes; return the purposes granted."""
    integration, worker = create(service), Worker(service, "demo")
    granted: set[str] = set()
    enough = Event()

    def lease(thread: int) -> None:
        with suppress(httpx2.HTTPError):
            for purpose in (f"{thread}.{number}" for number in count()):
                answer = worker.lease(integration, json={"purpose": purpose})
                assert answer.status_code == 200, answer.text
                granted.add(purpose)
                if len(granted) > ENOUGH:
                    enough.set()

    with worker.client, ThreadPoolExecutor(8) as threads:
        running = [threads.submit(lease, number) for number in range(8)]
        assert enough.wait(60)
        for process in (service.process, *psutil.Process(service.process.pid).children()):
            os.kill(process.pid, signal.SIGKILL)
    for thread in running:
        thread.result()
    return granted


@pytest.mark.parametrize("number", range(3))
def test_a_lease_is_never_without_its_record(
    start_service: StartService, data_dir: Path, dsn: str, number: int
) -> None:
    with start_service(data_dir, database_url=dsn, workers=str(1 + number % 2)) as service:
        granted = lease_until_killed(service)

    assert granted <= recorded(dsn)


def test_the_negative_control_recorded_later_leases_are_without(
    start_service: StartService, data_dir: Path, dsn: str, patch: Patch
) -> None:
    patch(RECORDS_LATER)
    with start_service(data_dir, database_url=dsn) as service:
        granted = lease_until_killed(service)

    assert granted - recorded(dsn)


# ----- Two processes -----
def test_a_thousand_leases_over_two_processes_are_one_record_a_minute(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    with (
        start_service(data_dir, database_url=dsn) as first,
        start_service(data_dir, database_url=dsn) as second,
    ):
        integration, worker = create(first), Worker(first, "demo")
        urls = [
            f"{each.address}/en/api/integration/{integration}/lease" for each in (first, second)
        ]
        with worker.client, ThreadPoolExecutor(16) as threads:
            answers = [*threads.map(worker.client.post, urls * 500)]

    assert {answer.status_code for answer in answers} == {200}
    with psycopg.connect(dsn) as database:
        rows = database.execute("SELECT position, minute FROM integrations.accesses").fetchall()
    assert rows
    assert len({minute for _, minute in rows}) == len(rows)
    assert sorted(position for position, _ in rows) == [*range(1, len(rows) + 1)]


# ----- The journal cannot be written -----
@contextmanager
def locked(database: psycopg.Connection) -> Generator[None]:
    database.execute("SELECT pg_advisory_lock(7597137600296673656)")
    yield
    database.execute("SELECT pg_advisory_unlock(7597137600296673656)")


@contextmanager
def full(database: psycopg.Connection) -> Generator[None]:
    """The journal has no room, as PostgreSQL says it (53100)."""
    database.execute(
        "CREATE FUNCTION integrations.refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER refuses BEFORE INSERT ON integrations.accesses"
        " FOR EACH ROW EXECUTE FUNCTION integrations.refuse()"
    )
    yield
    database.execute("DROP FUNCTION integrations.refuse() CASCADE")


@contextmanager
def closed(database: psycopg.Connection) -> Generator[None]:
    """The service may not write it."""
    function = "EXECUTE ON FUNCTION integrations.record_accesses(jsonb)"
    database.execute(f"REVOKE {function} FROM integrations_command".encode())
    yield
    database.execute(f"GRANT {function} TO integrations_command".encode())


@pytest.mark.parametrize("breaks", [locked, full, closed], ids=lambda breaks: breaks.__name__)
def test_what_cannot_be_recorded_is_not_leased_and_changes_go_on(
    service: Service, breaks: Callable[..., AbstractContextManager[None]]
) -> None:
    integration, worker = create(service), Worker(service, "demo")
    place = f"/en/api/integration/{integration}"
    dsn = service.environment["INTEGRATIONS_DATABASE_URL"]
    with (
        worker.client,
        client_with(service, workspaceId="demo", role="ADMIN") as admin,
        psycopg.connect(dsn, autocommit=True) as database,
    ):
        with breaks(database):
            refused = worker.lease(integration)
            changed = admin.patch(place, json={"name": "New"})
        granted = worker.lease(integration)
        shown = admin.get(f"{place}/accesses").json()["result"]["data"]

    assert (refused.status_code, refused.json()["result"]["error"]) == (503, "UNAVAILABLE")
    assert refused.json()["result"]["data"] is None
    assert changed.status_code == 200
    assert granted.status_code == 200
    assert [(entry["outcome"], entry["version"]) for entry in shown] == [("GRANTED", 2)]
