"""Metrics and readiness of a running service, with one worker and with two."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow

from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.http.operations import Readiness
from app.metrics.instruments import NAMES
from app.tokens.principal import RESOLVE
from tests.support.service import Service, StartService
from tests.support.waiting import TIMEOUT, wait_until
from tests.support.worker import Worker, client_with

PATH = "/en/api/integration"
COUNT = "integrations_http_request_duration_seconds_count"
SAMPLE = re.compile(r"^([a-z_]+)(\{.*\})? (\S+)$", re.MULTILINE)


def told_by(address: str) -> dict[str, float]:
    """Return every sample, by its name and labels; asked over a connection of its own."""
    text = httpx2.get(f"{address}/metrics").text
    return {name + labels: float(value) for name, labels, value in SAMPLE.findall(text)}


def kind(route: str, method: str, status: int) -> str:
    return f'{COUNT}{{method="{method}",route="{route}",status="{status}"}}'


# ----- One worker -----
def test_requests_are_counted_by_the_template_of_their_route_method_and_status(
    service: Service, client: httpx2.Client, body: dict[str, Any]
) -> None:
    before = told_by(service.address)
    place = client.post(PATH, json=body).headers["location"]
    client.get(place)
    client.get(place)
    client.put(PATH, json=body)
    after = told_by(service.address)

    def grown(route: str, method: str, status: int) -> float:
        name = kind(route, method, status)
        return after[name] - before.get(name, 0)

    assert grown("/{locale}/api/integration", "POST", 201) == 1
    assert grown("/{locale}/api/integration/{integration_id}", "GET", 200) == 2
    assert grown("none", "PUT", 405) == 1
    assert after["integrations_http_requests_in_progress"] == 1  # the one that asks


def test_leases_are_counted_by_what_became_of_them_and_so_are_records(
    service: Service, client: httpx2.Client, workspace: str, body: dict[str, Any]
) -> None:
    place = client.post(PATH, json=body).headers["location"]
    worker = Worker(service, workspace)
    before = told_by(service.address)
    with worker.client, client_with(service, workspaceId=workspace, permissions=[RESOLVE]) as other:
        for _ in range(3):
            worker.client.post(f"{place}/lease")
        worker.lease("int_00000000000000000000000000")
        other.post(f"{place}/lease")
        client.post(f"{place}/lease")  # may not lease, and is not counted
        client.post(f"{place}/toggle", json={"isActive": False})
        worker.client.post(f"{place}/lease")
    after = told_by(service.address)

    def grown(name: str) -> float:
        return after[name] - before[name]

    outcomes = {
        outcome: grown(f'integrations_leases_total{{outcome="{outcome}"}}')
        for outcome in ("GRANTED", "NOT_FOUND", "RECIPIENT_REQUIRED", "INTEGRATION_INACTIVE",
                        "UNAVAILABLE", "INTERNAL_ERROR")
    }  # fmt: skip
    assert [*outcomes.values()] == [3, 1, 1, 1, 0, 0]
    assert 3 <= grown("integrations_access_records_total") <= 4  # one more at the end of a minute


def test_all_unknown_paths_are_one_series(service: Service, client: httpx2.Client) -> None:
    before = told_by(service.address)
    for path in ("/wp-admin", "/.env", "/en/nowhere", "/en/api/integrations", "/%ff/x"):
        assert client.get(path).status_code == 404
    after = told_by(service.address)

    nowhere = kind("none", "GET", 404)
    assert after[nowhere] - before.get(nowhere, 0) == 5
    assert {name for name in after.keys() - before.keys() if "none" not in name} == set()


def test_metrics_need_no_token_and_show_no_data(
    service: Service, client: httpx2.Client, workspace: str, body: dict[str, Any]
) -> None:
    place = client.post(PATH, json=body).headers["location"]
    client.get(place, params={"q": "what-i-look-for"})
    client.get("/en/what-i-look-for")

    answer = httpx2.get(f"{service.address}/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for data in (workspace, place.rpartition("/")[2], "what-i-look-for", "/en/"):
        assert data not in answer.text


def test_the_page_lists_every_metric_that_there_is_and_no_other(service: Service) -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    text = httpx2.get(f"{service.address}/metrics").text

    there = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    listed = set(re.findall(r"^\| ([a-z_]+)", page, re.MULTILINE)) - {"metric"}
    assert listed == set(NAMES)
    assert there - listed == set()
    assert listed - there <= {"integrations_checkpoint_timestamp_seconds"}  # nothing signed yet


# ----- Two workers -----
@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary directory, as the service sees it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def workers_of(service: Service) -> list[psutil.Process]:
    """Return the processes that serve, and not what helps multiprocessing."""
    return [c for c in psutil.Process(service.process.pid).children() if is_worker(c)]


def is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it may end while we look
        return "spawn_main" in " ".join(process.cmdline())
    return False


def test_every_worker_returns_the_counts_of_all_and_they_never_fall(
    start_service: StartService, data_dir: Path, dsn: str, temporary: Path
) -> None:
    def requests() -> float:
        return told_by(service.address).get(kind("/{locale}/api/integration", "GET", 401), 0)

    with start_service(data_dir, database_url=dsn, workers="2") as service:
        for number in range(20):
            httpx2.get(service.address + PATH)
            assert requests() == number + 1
        wait_until(lambda: told_by(service.address)["integrations_workers"] == 2)

        first, _ = workers_of(service)
        first.kill()
        wait_until(lambda: len({*workers_of(service)} - {first}) == 2)
        wait_until(lambda: told_by(service.address)["integrations_workers"] == 2)
        assert requests() == 20
        [folder] = temporary.glob("integrations-metrics-*")
        assert folder.stat().st_uid == os.geteuid()
    assert list(temporary.iterdir()) == []


def test_worker_files_are_removed_after_their_supervisor_was_killed(
    start_service: StartService, data_dir: Path, dsn: str, temporary: Path
) -> None:
    with start_service(data_dir, database_url=dsn, workers="2") as service:
        workers = workers_of(service)
        assert list(temporary.iterdir()) != []
        service.process.kill()
        psutil.wait_procs(workers, timeout=TIMEOUT)

        assert list(temporary.iterdir()) == []


async def test_a_migrated_database_is_ready(audits: Pool) -> None:
    assert await Readiness(audits).checks() == {
        "database": True,
        "migrations": True,
        "signing": True,
        "log": True,
    }


async def test_a_database_without_a_migration_is_not_ready(
    audits: Pool, admin: Connection[TupleRow]
) -> None:
    admin.execute("DELETE FROM integrations.migrations WHERE name = 'events.sql'")
    assert (await Readiness(audits).checks())["migrations"] is False


async def test_a_database_with_newer_migrations_is_ready(
    audits: Pool, admin: Connection[TupleRow]
) -> None:
    admin.execute(
        "INSERT INTO integrations.migrations (name, sha256, release) VALUES ('9999.sql', '', '9.9')"
    )
    assert (await Readiness(audits).checks())["migrations"] is True


async def test_a_database_that_is_down_is_unavailable(audits: Pool) -> None:
    await audits.close()
    with pytest.raises(UnavailableError):
        await Readiness(audits).checks()


async def test_a_log_that_cannot_be_read_is_not_ready(
    audits: Pool, admin: Connection[TupleRow]
) -> None:
    admin.execute("REVOKE EXECUTE ON FUNCTION integrations.head() FROM integrations_past")
    with pytest.raises(InsufficientPrivilege):
        await Readiness(audits).checks()


def test_the_first_page_says_what_this_is_and_each_of_its_links_leads_somewhere(
    service: Service,
) -> None:
    answer = httpx2.get(f"{service.address}/")

    assert answer.json()["service"].startswith("Integrations")
    assert list(answer.json()["links"]) == ["docs", "openapi", "console"]
    for path in answer.json()["links"].values():
        assert httpx2.get(f"{service.address}{path}", follow_redirects=True).status_code == 200
