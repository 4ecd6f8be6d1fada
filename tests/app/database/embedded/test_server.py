import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.database.embedded import EmbeddedServerError, open_embedded

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Stage

Eventually = Callable[[Callable[[], object]], object]
BORN = "SELECT pg_postmaster_start_time()"


def test_a_second_process_joins_and_the_last_one_to_leave_stops_the_server(stage: "Stage") -> None:
    first = stage.open()
    second = stage.open()
    assert first.sql(BORN) == second.sql(BORN)

    first.end()
    assert second.sql("SELECT 1") == 1

    second.end()
    assert not stage.is_served(), "the last one returns when the server has stopped"


def test_simultaneous_cold_starts_share_one_server(cold_stage: "Stage") -> None:
    clients = [cold_stage.begin() for _ in range(5)]
    assert len({client.opened().sql(BORN) for client in clients}) == 1


def test_what_was_stored_is_there_after_a_warm_start(stage: "Stage") -> None:
    first = stage.open()
    first.sql("CREATE TABLE kept AS SELECT 42 AS answer")
    first.end()
    assert stage.open().sql("SELECT answer FROM kept") == 42


def test_a_killed_client_gives_its_lease_back(stage: "Stage", eventually: Eventually) -> None:
    stage.open().kill()
    eventually(stage.is_quiet)


def test_ctrl_c_in_a_clients_terminal_reaches_the_client_only(stage: "Stage") -> None:
    other = stage.open()
    client = stage.open()
    os.killpg(client.process.pid, signal.SIGINT)
    client.process.wait(10)
    assert other.sql("SELECT 1") == 1


def test_ctrl_c_where_the_server_was_started_leaves_it_to_the_others(stage: "Stage") -> None:
    starter = stage.open()
    other = stage.open()
    born = other.sql(BORN)
    os.killpg(starter.process.pid, signal.SIGINT)
    starter.process.wait(10)
    assert other.sql(BORN) == born


def test_a_fork_shares_the_lease_of_its_parent(stage: "Stage") -> None:
    client = stage.open()
    born = client.sql(BORN)
    assert client.ask("fork")["pid"] != client.process.pid
    client.process.wait(10)
    assert client.sql(BORN) == born


def test_a_throwaway_server_is_another_one_without_fsync(stage: "Stage") -> None:
    durable, throwaway = stage.open(), stage.open(durable=False)
    assert durable.sql("SHOW fsync") == "on"
    assert throwaway.sql("SHOW fsync") == "off"


def test_closing_twice_is_closing_once(cold_stage_of_us: "Stage") -> None:
    with open_embedded(cold_stage_of_us.data_dir, durable=False) as server:
        server.close()
        assert not cold_stage_of_us.is_served()


def test_a_data_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="INTEGRATIONS_DATA_DIR") as refusal:
        open_embedded(tmp_path / "file" / "data")
    assert "\n" not in str(refusal.value)
