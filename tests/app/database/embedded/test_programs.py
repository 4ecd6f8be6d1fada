"""The embedded server of other programs than the package's: a folder that an operator names."""

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.database.embedded.account import server_account
from app.database.embedded.cluster import find_programs, initdb_options, require_version
from app.database.embedded.data_directory import ServerDirectory, create_server_directory
from app.database.embedded.errors import ProgramsError
from tests.support.service import StartService, environment_with, run_command

LIST = "/en/api/integration"
BODY = {"name": "Kept", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.kept-and-sealed"}
SUCH_AS = "must be a folder with initdb and postgres, such as /usr/lib/postgresql/15/bin"


@pytest.fixture
def directory(data_dir: Path) -> ServerDirectory:
    return create_server_directory(data_dir, durable=True)


@pytest.fixture
def programs_of(data_dir: Path) -> Callable[[str], Path]:
    """Make a folder whose programs say that they are of a version."""

    def made(version: str) -> Path:
        folder = data_dir / "bin"
        folder.mkdir(mode=0o755)
        for name in ("initdb", "postgres"):
            (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
            (folder / name).chmod(0o755)
        return folder

    return made


def refusal(directory: ServerDirectory, programs: Path) -> str:
    """Return the one line that says why *programs* cannot run the server of *directory*."""
    with pytest.raises(ProgramsError) as refused:
        require_version(
            find_programs(server_account(), directory, programs), server_account(), directory
        )
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_folder_that_is_not_there_is_said(directory: ServerDirectory) -> None:
    said = refusal(directory, Path("/nowhere"))
    assert said.startswith("there is no /nowhere/initdb that the account ")
    assert said.endswith(SUCH_AS)


def test_a_program_that_is_missing_or_cannot_be_run_is_said(
    directory: ServerDirectory, programs_of: Callable[[str], Path]
) -> None:
    folder = programs_of("16.4")
    (folder / "postgres").chmod(0o644)
    assert f"there is no {folder}/postgres that" in refusal(directory, folder)
    (folder / "postgres").unlink()
    assert f"there is no {folder}/postgres that" in refusal(directory, folder)


def test_a_program_that_is_not_postgresqls_is_said(
    directory: ServerDirectory, programs_of: Callable[[str], Path]
) -> None:
    folder = programs_of("15.1")
    (folder / "postgres").write_text("#!/bin/sh\nexit 1\n")
    assert SUCH_AS in refusal(directory, folder)


@pytest.mark.parametrize(
    ("cluster", "version", "said"),
    [
        ("15", "14.13 (Debian 14.13-1)", "are of PostgreSQL 14: set INTEGRATIONS_POSTGRES_BIN to"),
        ("15", "9.6.24", "are of PostgreSQL 9: set INTEGRATIONS_POSTGRES_BIN to"),
        ("15", "16.4", "was made by PostgreSQL 15, and "),
        ("18", "17.1", "was made by PostgreSQL 18, and "),
        (
            "15",
            "19devel",
            "set INTEGRATIONS_POSTGRES_BIN to a folder of PostgreSQL 15, or move the data",
        ),
    ],
)
def test_programs_that_cannot_run_the_cluster_are_said(
    directory: ServerDirectory,
    programs_of: Callable[[str], Path],
    cluster: str,
    version: str,
    said: str,
) -> None:
    directory.cluster.mkdir()
    (directory.cluster / "PG_VERSION").write_text(f"{cluster}\n")
    assert said in refusal(directory, programs_of(version))


@pytest.mark.parametrize("version", ["15.20 (Debian 15.20-0+deb12u1)", "15beta1"])
def test_a_newer_minor_version_runs_the_cluster(
    directory: ServerDirectory, programs_of: Callable[[str], Path], version: str
) -> None:
    directory.cluster.mkdir()
    (directory.cluster / "PG_VERSION").write_text("15\n")
    require_version(programs_of(version), server_account(), directory)


def test_the_locale_is_postgresqls_own_from_17_on() -> None:
    assert "--locale-provider=builtin" in initdb_options(17)
    assert "--locale=C.UTF-8" in initdb_options(16)
    assert "--locale-provider=builtin" not in initdb_options(16)


def serve(data_dir: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `integrations serve` to its end, which comes at once."""
    return run_command(environment_with(data_dir=data_dir, port="0", **settings), "serve")


def test_a_wrong_folder_stops_the_start_with_one_line(data_dir: Path) -> None:
    ended = serve(data_dir, postgres_bin="/nowhere")
    assert ended.returncode == 1
    assert ended.stderr.startswith("integrations: there is no /nowhere/initdb")
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_service_starts_serves_stops_and_starts_again_on_debians_programs(
    start_service: StartService, data_dir: Path, debian_programs: Path
) -> None:
    chosen = {"postgres_bin": str(debian_programs)}
    for expected in (1, 2):
        with start_service(data_dir, **chosen) as service, service.caller() as client:
            assert client.post(LIST, json=BODY).status_code == 201
            assert client.get(LIST).json()["result"]["totalCount"] == expected
    directory = ServerDirectory(data_dir.resolve() / "postgres", durable=True)
    made_by = (directory.cluster / "PG_VERSION").read_text().strip()
    assert f"postgresql/{made_by}/" in str(debian_programs)
    assert stat.S_IMODE(directory.cluster.stat().st_mode) == 0o700

    ended = serve(data_dir)  # of the package's programs
    assert ended.returncode == 1
    assert f"was made by PostgreSQL {made_by}, and" in ended.stderr
    assert ended.stderr.count("\n") == 1
