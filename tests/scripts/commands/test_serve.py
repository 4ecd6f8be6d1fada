"""The service as its operator starts, kills and stops it; each with a database of its own."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.tokens.local_key import open_local_key
from tests.reliability.proxy import Proxy
from tests.support.service import Service, StartService, environment_with, run_command
from tests.support.waiting import busyness, lock_waits, wait_until

LIST = "/en/api/integration"
BODY = {"name": "Kept", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.kept-and-sealed"}


def names(service: Service) -> list[str]:
    """Return the names of all integrations of the workspace demo."""
    with service.caller() as client:
        return [found["name"] for found in client.get(LIST).json()["result"]["data"]]


def add(service: Service, name: str) -> None:
    """Add an integration, acknowledged."""
    with service.caller() as client:
        assert client.post(LIST, json=BODY | {"name": name}).status_code == 201


def processes_of(data_dir: Path) -> list[psutil.Process]:
    """Return every process that has *data_dir* in its command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(data_dir) in word for word in process.info["cmdline"] or ())
    ]


def run(*words: str, data_dir: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command `integrations` to its end."""
    defaults = {"data_dir": str(data_dir), "port": "0"}
    return run_command(environment_with(**defaults | settings), *words)


# ----- Starting and stopping -----
def test_a_second_start_is_quick_and_keeps_all_data(
    start_service: StartService, data_dir: Path
) -> None:
    with start_service(data_dir) as service:
        add(service, "first")
    limits: list[float] = []
    for _ in range(5):  # a busy machine slows any of them
        started = time.monotonic()
        with start_service(data_dir) as service:
            took, limit = time.monotonic() - started, 3 * busyness()
            assert names(service) == ["first"]
        if took <= limit:
            return
        limits.append(limit)
    pytest.fail(f"no start was within its limit: {limits} s")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_with_success_and_leaves_no_process(
    start_service: StartService, data_dir: Path, told: signal.Signals
) -> None:
    with start_service(data_dir) as service:
        service.process.send_signal(told)
        assert service.process.wait(timeout=10) == 0
    # The keeper of the database ends last, and is a zombie until the init process takes note.
    wait_until(lambda: processes_of(data_dir) == [])


def test_killed_with_all_its_processes_it_starts_again_and_has_lost_nothing(
    start_service: StartService, data_dir: Path
) -> None:
    with start_service(data_dir) as service:
        for number in range(5):
            add(service, f"acknowledged {number}")
        for process in (*processes_of(data_dir), psutil.Process(service.process.pid)):
            process.kill()
    with start_service(data_dir) as service:
        assert names(service) == [f"acknowledged {number}" for number in range(5)]


def test_a_running_request_is_finished_after_a_stop_signal(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    with start_service(data_dir, database_url=dsn) as service, service.caller() as client:
        with ThreadPoolExecutor(1) as pool, psycopg.connect(dsn) as holder:
            holder.execute("SELECT integrations.lock_log()")
            running = pool.submit(client.post, LIST, json=BODY)
            wait_until(lambda: lock_waits(holder) == 1)
            service.process.terminate()
            time.sleep(0.3)
            holder.rollback()
            assert running.result(timeout=10).status_code == 201
        assert service.process.wait(timeout=10) == 0


def test_after_a_stop_signal_it_refuses_new_connections_at_once(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    with start_service(data_dir, database_url=dsn, workers="2") as service:
        with ThreadPoolExecutor(1) as pool, psycopg.connect(dsn) as holder:
            client = service.caller()
            holder.execute("SELECT integrations.lock_log()")
            running = pool.submit(client.post, LIST, json=BODY)
            wait_until(lambda: lock_waits(holder) == 1)
            service.process.terminate()
            wait_until(lambda: is_refused(service))
            holder.rollback()
            assert running.result(timeout=10).status_code == 201
            client.close()
        assert service.process.wait(timeout=10) == 0


def is_refused(service: Service) -> bool:
    """Return whether a new connection is refused; none may be taken and then left.

    One that the system has queued when the listener closes is reset at once.
    """
    try:
        httpx2.get(service.address + "/health/live", timeout=30)
    except (httpx2.ConnectError, httpx2.ReadError):
        return True
    return False


def test_across_a_way_that_stalls_it_ends_in_time_too(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    proxy = Proxy()
    with (
        proxy.open(make_conninfo(dsn, connect_timeout=9)) as way,
        start_service(data_dir, database_url=way) as service,
        service.caller() as client,
        ThreadPoolExecutor(1) as pool,
    ):
        assert client.get(LIST).status_code == 200
        proxy.stalled = True
        running = pool.submit(client.post, LIST, json=BODY)
        time.sleep(3.0)  # by now the log's follower waits for an answer, too
        service.process.terminate()
        assert service.process.wait(timeout=10) == 0
        assert running.result(timeout=1).status_code == 503


def test_what_one_worker_wrote_every_worker_shows(
    start_service: StartService, data_dir: Path
) -> None:
    with start_service(data_dir, workers="2") as service:
        for number in range(10):
            add(service, f"n{number}")
            for _ in range(4):
                with service.caller() as client:  # each on a connection of its own
                    answer = client.get(LIST)
                assert answer.json()["result"]["totalCount"] == number + 1


def test_a_worker_that_starts_slowly_is_waited_for(
    start_service: StartService, data_dir: Path
) -> None:
    with start_service(data_dir, workers="2") as service:
        one, other = workers_of(service)
        one.kill()
        while not (begun := new_workers(service, one, other)):
            time.sleep(0.01)
        begun[0].suspend()
        time.sleep(8)  # uvicorn's own supervisor kills what has not answered after five
        assert begun[0].is_running()
        begun[0].resume()
        assert new_workers(service, one, other) == begun


def workers_of(service: Service) -> list[psutil.Process]:
    """Return the processes that answer requests, or will."""
    children = psutil.Process(service.process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(command_of(child))]


def command_of(process: psutil.Process) -> list[str]:
    """Return the words *process* was started with; none where it has ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def new_workers(service: Service, *old: psutil.Process) -> list[psutil.Process]:
    """Return the workers of *service* that are not among *old*."""
    return [worker for worker in workers_of(service) if worker not in old]


def test_workers_do_not_outlive_a_supervisor_that_was_killed(
    start_service: StartService, data_dir: Path
) -> None:
    with start_service(data_dir, workers="2") as service:
        workers = psutil.Process(service.process.pid).children(recursive=True)
        service.process.kill()
        _, alive = psutil.wait_procs(workers, timeout=15)
        assert alive == []


# ----- Another PostgreSQL -----
@pytest.fixture
def debian_dsn(debian_programs: Path) -> Generator[str]:
    """A PostgreSQL from Debian's packages: an older version, and not of our keeping."""
    binaries = debian_programs
    folder = Path(f"/tmp/integrations-debian-{os.getpid()}")  # noqa: S108 — sockets need a short path
    folder.mkdir(mode=0o700)
    as_who: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        as_who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    try:
        data = str(folder / "data")
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "owner", "--auth=trust", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **as_who,
        )  # fmt: skip
        with subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", str(folder), "-c", "listen_addresses="],
            cwd=folder, stderr=subprocess.DEVNULL, **as_who,
        ) as server:  # fmt: skip
            yield reached(make_conninfo(host=str(folder), user="owner", dbname="postgres"))
            server.terminate()
    finally:
        shutil.rmtree(folder)


def reached(dsn: str) -> str:
    """Return *dsn* once its server answers."""
    for _ in range(100):
        try:
            with psycopg.connect(dsn):
                return dsn
        except psycopg.OperationalError:
            time.sleep(0.1)
    pytest.fail("the server did not start")


@pytest.mark.slow
def test_the_same_code_runs_on_a_given_server(
    start_service: StartService, data_dir: Path, debian_dsn: str
) -> None:
    for expected in ([], ["given"]):
        with start_service(data_dir, database_url=debian_dsn) as service:
            assert names(service) == expected
            add(service, "given")
            assert not (data_dir / "postgres").exists()


# ----- What stops a start, in one line -----
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"porrt": "1"}, "INTEGRATIONS_PORRT is not a setting"),
        ({"port": "http"}, "INTEGRATIONS_PORT has a wrong value"),
        ({"log_level": "loud"}, "INTEGRATIONS_LOG_LEVEL has a wrong value"),
        ({"database_url": "host=/nowhere dbname=x"}, "database cannot be reached"),
        ({"jwks": "/nowhere/jwks.json"}, "jwks.json"),
        ({"keyring": "/nowhere/keyring.json"}, "keyring"),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_line(
    data_dir: Path, settings: dict[str, str], said: str, dsn: str
) -> None:
    ended = run("serve", data_dir=data_dir, **{"database_url": dsn, **settings})
    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert ended.stdout == ""


def test_a_taken_port_stops_the_start_with_one_line(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    with start_service(data_dir, database_url=dsn) as service:
        port = service.address.rpartition(":")[2]
        ended = run("serve", data_dir=data_dir, database_url=dsn, port=port)
    assert ended.returncode == 1
    assert "INTEGRATIONS_PORT" in ended.stderr.strip().splitlines()[-1]


def test_a_keyring_without_a_key_in_use_stops_the_start(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    with start_service(data_dir, database_url=dsn) as service:
        add(service, "sealed")
    (data_dir / "keyring.json").rename(data_dir / "lost.json")
    ended = run("serve", data_dir=data_dir, database_url=dsn)
    assert ended.returncode == 1
    assert "kek-1-" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


# ----- Tokens -----
def test_token_prints_a_token_and_nothing_else(data_dir: Path) -> None:
    open_local_key(data_dir, create=True)
    ended = run("token", "--workspace", "demo", data_dir=data_dir)
    assert ended.returncode == 0
    assert ended.stdout.count(".") == 2
    assert ended.stdout.strip() == ended.stdout[:-1]
    [line] = ended.stderr.splitlines()  # who issued it, for whom
    assert '"source":"security","command":"token"' in line


def test_token_is_refused_where_a_jwks_is_configured(data_dir: Path) -> None:
    ended = run("token", "--workspace", "demo", data_dir=data_dir, jwks="jwks.json")
    assert ended.returncode == 1
    assert "INTEGRATIONS_JWKS" in ended.stderr


def test_token_refuses_a_permission_that_does_not_exist(data_dir: Path) -> None:
    ended = run("token", "--workspace", "demo", "--permission", "all", data_dir=data_dir)
    assert ended.returncode == 2
    assert "all" in ended.stderr


def test_every_command_has_help(data_dir: Path) -> None:
    listed = run("--help", data_dir=data_dir).stdout.split("Commands:")[1]
    for line in listed.strip().splitlines():
        assert "Usage:" in run(line.split()[0], "--help", data_dir=data_dir).stdout


def test_a_keeper_that_is_killed_is_brought_back_by_the_service(
    start_service: StartService, data_dir: Path
) -> None:
    with start_service(data_dir) as service:
        add(service, "kept")
        for process in processes_of(data_dir):
            if "app.database.embedded" in process.cmdline():
                process.kill()
        deadline = time.monotonic() + 30
        with service.caller() as client:
            while client.get(LIST).status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert names(service) == ["kept"]
