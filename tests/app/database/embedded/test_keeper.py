import itertools
import stat
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psutil import NoSuchProcess

from app.database.embedded.keeper import MAX_LOG_BYTES
from tests.support.waiting import busyness

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Client, Stage

Eventually = Callable[[Callable[[], object]], object]
BORN = "SELECT pg_postmaster_start_time()"
AS_ROOT = pytest.mark.parametrize("runner", ["as root"], indirect=True)
VICTIMS = ("client", "keeper", "postmaster")


def test_a_killed_keeper_takes_the_server_with_it_and_the_next_open_brings_it_back(
    stage: "Stage",
    eventually: Eventually,
) -> None:
    old = stage.open()
    stage.find("keeper").kill()
    eventually(stage.is_quiet)

    new = stage.open()
    new.end()
    assert old.sql("SELECT 1") == 1, "a lease outlives the keeper that it was taken from"


def test_a_killed_postmaster_is_started_again_for_those_who_stay(
    stage: "Stage",
    eventually: Eventually,
) -> None:
    client = stage.open()
    born = client.sql(BORN)
    stage.find("postgres").kill()
    eventually(lambda: "error" not in client.ask("sql", BORN))
    assert client.sql(BORN) != born


def test_nothing_acknowledged_is_lost_after_any_kill(stage: "Stage") -> None:
    acknowledged: set[int] = set()
    client = stage.open()
    for victims in all_subsets(VICTIMS):
        acknowledged |= killed_while_writing(stage, client, victims)
        client = stage.open()
        assert acknowledged <= set(client.sql("SELECT array_agg(number) FROM acknowledged"))


def all_subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    sizes = range(1, len(names) + 1)
    return [subset for size in sizes for subset in itertools.combinations(names, size)]


def killed_while_writing(stage: "Stage", writer: "Client", victims: tuple[str, ...]) -> set[int]:
    """Kill *victims* in the midst of commits; return the numbers that were acknowledged."""
    keeper, postmaster = stage.find("keeper"), stage.find("postgres")
    acknowledged = {writer.ask("write")["stored"]} | {writer.heard()["stored"] for _ in range(20)}
    doomed = {"client": writer.process, "keeper": keeper, "postmaster": postmaster}
    for name in victims:
        with suppress(NoSuchProcess):  # the postmaster ends soon after its keeper
            doomed[name].kill()
    while number := writer.heard().get("stored"):  # until its connection or itself is gone
        acknowledged.add(number)
    return acknowledged


def test_a_backend_too_busy_to_notice_is_ended_by_the_next_open(
    stage: "Stage",
    eventually: Eventually,
) -> None:
    client = stage.open()
    client.ask("busy", "DO $$ BEGIN PERFORM pg_advisory_lock(1); LOOP END LOOP; END $$")
    in_the_loop = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
    backend = eventually(lambda: client.sql(in_the_loop))
    keeper, postmaster = stage.find("keeper"), stage.find("postgres")
    postmaster.suspend()  # it has no time to end its backends when the keeper dies
    for process in (client.process, keeper, postmaster):
        process.kill()
    assert backend in {process.pid for process in stage.processes()}
    with reading(stage, stage.directory().processes) as backup:
        stage.open()
        assert backend not in {process.pid for process in stage.processes()}
        assert backup.poll() is None, "who reads our files is no leftover"


@contextmanager
def reading(stage: "Stage", path: Path) -> Generator[subprocess.Popen[bytes]]:
    """Have a process that reads *path*, as a backup does."""
    with path.open("rb") as file:
        process = subprocess.Popen([*stage.person.prefix, "/bin/sleep", "60"], stdin=file)
    yield process
    process.kill()
    process.wait()


def test_sigterm_stops_the_server_in_good_order(stage: "Stage", eventually: Eventually) -> None:
    stage.open()
    stage.find("keeper").terminate()
    eventually(stage.is_quiet)
    assert "database system is shut down" in stage.directory().log.read_text()


@AS_ROOT
def test_as_root_a_directory_closed_to_the_account_is_refused_and_stays_closed(
    cold_stage: "Stage",
) -> None:
    closed = cold_stage.data_dir
    closed.mkdir(mode=0o700)
    refusal = cold_stage.begin().refusal()
    assert f"cannot enter {closed}: choose another INTEGRATIONS_DATA_DIR" in refusal
    assert "\n" not in refusal
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@AS_ROOT
def test_as_root_the_home_directory_of_root_keeps_its_mode(stage: "Stage") -> None:
    before = Path("~root").expanduser().stat()
    stage.open()
    after = Path("~root").expanduser().stat()
    assert (before.st_mode, before.st_ctime) == (after.st_mode, after.st_ctime)


def test_the_log_keeps_to_its_size(stage: "Stage", eventually: Eventually) -> None:
    client = stage.open()
    log = stage.directory().log
    with log.open("ab") as file:
        file.write(b"x" * MAX_LOG_BYTES)
    eventually(lambda: log.stat().st_size < MAX_LOG_BYTES)
    assert log.with_suffix(".log.1").stat().st_size > MAX_LOG_BYTES
    assert client.sql("SELECT 1") == 1


def test_a_log_that_cannot_be_kept_is_begun_again_all_the_same(
    stage: "Stage", eventually: Eventually
) -> None:
    client = stage.open()
    born = client.sql(BORN)
    log = stage.directory().log
    log.with_suffix(".log.1").unlink(missing_ok=True)
    log.with_suffix(".log.1").mkdir()  # as little of a file as one on a full disk
    with log.open("ab") as file:
        file.write(b"x" * MAX_LOG_BYTES)
    eventually(lambda: log.stat().st_size < MAX_LOG_BYTES)
    assert client.sql(BORN) == born
    log.with_suffix(".log.1").rmdir()


def test_a_start_is_quick(cold_stage: "Stage") -> None:
    assert seconds_to_open(cold_stage) < 60  # it fills the directory, ten times slower than usual
    assert any(seconds_to_open(cold_stage) < 3 * busyness() for _ in range(5))


def seconds_to_open(stage: "Stage") -> float:
    """Return how many seconds *stage* takes to open."""
    began = time.monotonic()
    client = stage.open()
    seconds = time.monotonic() - began
    client.end()
    return seconds
