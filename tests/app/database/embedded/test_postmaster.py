import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Client, Person, Stage

AS_ROOT = pytest.mark.parametrize("runner", ["as root"], indirect=True)


def test_pid_files_that_name_a_living_stranger_stop_nothing(stage: "Stage") -> None:
    crash(stage, stage.open())
    bystander = stage.open(durable=False)
    stale = str(stage.find("postgres").pid)
    directory = stage.directory()
    name_in(directory.cluster / "postmaster.pid", stale)
    name_in(directory.sockets / ".s.PGSQL.5432.lock", stale)

    assert stage.open().sql("SELECT 1") == 1
    assert bystander.sql("SELECT 1") == 1, "the stranger lives on"


def crash(stage: "Stage", client: "Client") -> None:
    for process in (stage.find("postgres"), stage.find("keeper"), client.process):
        process.kill()


def name_in(file: Path, pid: str) -> None:
    assert file.exists(), "a crash leaves it"
    file.write_text("\n".join([pid, *file.read_text().splitlines()[1:], ""]))


@pytest.fixture
def deep(cold_stage: "Stage") -> "Stage":
    """A stage whose data directory is far too long for a socket, and not plain either."""
    parent = cold_stage.data_dir / ("a long, 'quoted' directory, " * 8)
    parent.mkdir(parents=True)
    for path in (parent, parent.parent):
        path.chmod(0o711)
        os.chown(path, cold_stage.person.uid, cold_stage.person.gid)
    cold_stage.data_dir = parent / "data"
    return cold_stage


def test_a_data_directory_may_be_long(deep: "Stage") -> None:
    first = deep.open()
    assert first.sql("SELECT 1") == 1
    assert deep.open().dsn == first.dsn
    sockets = deep.directory().sockets
    assert sockets.parent == Path("/tmp")  # noqa: S108 # where it must be
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


def test_a_socket_directory_that_a_stranger_laid_out_is_refused(
    deep: "Stage",
    stranger: "Person",
) -> None:
    sockets = deep.directory().sockets
    sockets.mkdir()
    os.chown(sockets, stranger.uid, stranger.gid)
    assert f"{sockets} is not ours" in deep.begin().refusal()


def test_the_server_listens_on_its_private_socket_only(standing: "Stage") -> None:
    assert standing.find("postgres").net_connections("inet") == []
    assert stat.S_IMODE(standing.directory().sockets.stat().st_mode) == 0o700


def test_the_server_leaves_no_core_file(standing: "Stage") -> None:
    limits = Path(f"/proc/{standing.find('postgres').pid}/limits").read_text()
    assert "Max core file size        0                    0" in limits


@AS_ROOT
def test_as_root_the_server_has_an_account_and_no_group_of_ours(standing: "Stage") -> None:
    status = Path(f"/proc/{standing.find('postgres').pid}/status").read_text()
    ids = {line.split(":")[0]: line.split()[1:] for line in status.splitlines() if "\t" in line}
    assert "0" not in ids["Uid"] + ids["Gid"]
    assert ids["Groups"] == []
    assert standing.find("keeper").uids().effective == 0
