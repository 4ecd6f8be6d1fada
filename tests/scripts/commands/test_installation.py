"""Hosts that start on one database, as operators type it: one installation, one line for others."""

import shutil
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.service import INTEGRATIONS, environment_with, run_command

KEY_FILES = ("audit-key.pem", "keyring.json", "lease-key.pem", "token-key.pem")
NUMBERS = count(1)


@pytest.fixture
def new_dsn(server_dsn: str) -> Generator[str]:
    """A database with nothing in it."""
    name = f"new_{next(NUMBERS)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_conninfo(server_dsn, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def environment(folder: Path, dsn: str) -> dict[str, str]:
    return environment_with(data_dir=folder, database_url=dsn, port="0")


@contextmanager
def serving(folder: Path, dsn: str) -> Generator[subprocess.Popen[str]]:
    """Start the service of a host; stop it at the end."""
    process = subprocess.Popen(
        [*INTEGRATIONS, "serve"], env=environment(folder, dsn), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line on stdout: the address, or nothing where the process ended."""
    assert process.stdout
    return process.stdout.readline()


def refusal(process: subprocess.Popen[str]) -> str:
    """Return the one line with which *process* ended."""
    assert process.stderr
    (line,) = process.stderr.read().splitlines()
    assert process.wait(timeout=30) == 1
    return line


def test_a_first_start_makes_the_data_directory_with_a_given_postgresql_too(
    new_dsn: str, data_dir: Path
) -> None:
    folder = data_dir / "not" / "there"
    with serving(folder, new_dsn) as process:
        assert first_line(process).startswith("Listening on ")
    assert sorted(path.name for path in folder.iterdir()) == sorted(KEY_FILES)


def test_of_two_hosts_that_start_at_once_one_wins_and_the_other_is_told_what_to_copy(
    new_dsn: str, data_dir: Path
) -> None:
    folders = data_dir / "a", data_dir / "b"
    with serving(folders[0], new_dsn) as one, serving(folders[1], new_dsn) as other:
        lines = [first_line(process) for process in (one, other)]
        (winner,) = [number for number in (0, 1) if lines[number].startswith("Listening on ")]
        told = refusal((other, one)[winner])
    loser = folders[1 - winner]
    assert told.startswith("integrations: This host does not have the keys of this database: ")
    for name in KEY_FILES:
        assert f"{loser / name} is missing" in told
    assert [*loser.iterdir()] == []

    for name in KEY_FILES:
        shutil.copy2(folders[winner] / name, loser / name)
    with serving(loser, new_dsn) as joined:
        assert first_line(joined).startswith("Listening on ")


def lost(folder: Path) -> None:
    (folder / "audit-key.pem").unlink()


def unwritable(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file where the directory should be")


@pytest.mark.parametrize(
    ("change", "said"),
    [(lost, "audit-key.pem is missing"), (unwritable, "set INTEGRATIONS_DATA_DIR to a directory")],
)
def test_a_start_that_cannot_be_says_so_in_one_line(
    new_dsn: str, data_dir: Path, change: Callable[[Path], None], said: str
) -> None:
    folder = data_dir / "host"
    with serving(folder, new_dsn) as process:
        assert first_line(process).startswith("Listening on ")
    change(folder)
    with serving(folder, new_dsn) as process:
        assert first_line(process) == ""
        assert said in refusal(process)
    assert not (folder / "audit-key.pem").exists()


# ----- The schema -----
COMMANDS = (
    ("verify",), ("checkpoint",), ("replay",), ("rebuild", "--check"), ("rebuild",),
    ("keys", "list"), ("keys", "rewrap"), ("accesses",), ("backup",),
)  # fmt: skip
FINGERPRINT_OF_ALL = """
SELECT array_agg(prosrc || xmin::text ORDER BY oid)::text FROM pg_proc
WHERE pronamespace = 'integrations'::regnamespace
UNION ALL SELECT array_agg(migrations::text ORDER BY name)::text FROM integrations.migrations
"""
CHANGE = "UPDATE integrations.migrations SET {} WHERE name = 'head.sql'"
INSERT = """
INSERT INTO integrations.migrations (name, sha256, release)
SELECT '0001_newer.sql', 'x', release FROM integrations.migrations LIMIT 1
"""
CHANGES = {
    "a newer release": (
        CHANGE.format("release = '99.0.0', sha256 = 'x'"),
        "This database was migrated by a newer release (99.0.0; this is ",
    ),
    "a newer build": (
        INSERT,
        "This database was migrated by a newer release (",
    ),
    "an older release": (
        CHANGE.format("release = '0.0.9', sha256 = 'x'"),
        "run integrations migrate",
    ),
    "another tree's function": (
        CHANGE.format("sha256 = 'x'"),
        "run integrations migrate",
    ),
}


def run(folder: Path, dsn: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with the settings of a host."""
    return run_command(environment(folder, dsn), *words)


def look(dsn: str) -> Sequence[object]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(FINGERPRINT_OF_ALL.encode()).fetchall()


def require_one_line(done: subprocess.CompletedProcess[str], said: str) -> None:
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("integrations: ")
    assert said in line
    assert (done.returncode, done.stdout) == (1, "")


@pytest.fixture
def host(new_dsn: str, data_dir: Path) -> Path:
    """A host whose service has run once on the database."""
    with serving(data_dir / "host", new_dsn) as process:
        assert first_line(process).startswith("Listening on ")
    return data_dir / "host"


@pytest.mark.parametrize("change", CHANGES)
def test_no_command_works_on_or_changes_a_schema_that_it_does_not_know(
    host: Path, new_dsn: str, change: str
) -> None:
    statement, said = CHANGES[change]
    with psycopg.connect(new_dsn) as connection:
        connection.execute(statement.encode())
    before = look(new_dsn)
    for words in COMMANDS if change == "another tree's function" else COMMANDS[:2]:
        more = (str(host / "backup"),) if words == ("backup",) else ()
        require_one_line(run(host, new_dsn, *words, *more), said)
    if "newer" in change:
        for command in ("serve", "migrate"):
            require_one_line(run(host, new_dsn, command), said)
    assert look(new_dsn) == before
    if "newer" not in change:
        assert run(host, new_dsn, "migrate").stdout.startswith("The schema is that of release ")
        assert run(host, new_dsn, "checkpoint").stderr.startswith("integrations: There is no check")


def test_migrate_sets_up_a_schema_and_makes_no_key(new_dsn: str, data_dir: Path) -> None:
    folder = data_dir / "none"
    require_one_line(run(folder, new_dsn, "verify", "--key", __file__), "")
    require_one_line(run(folder, new_dsn, "keys", "list"), "")
    assert run(folder, new_dsn, "migrate").returncode == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    "words", [*COMMANDS, ("checkpoint", "--key"), ("token", "--workspace", "w")]
)
def test_a_command_makes_no_file_where_no_service_was_started(
    words: tuple[str, ...], data_dir: Path
) -> None:
    folder = data_dir / "none"
    more = (str(folder / "backup"),) if words == ("backup",) else ()
    done = run(folder, "", *words, *more)
    require_one_line(done, "start the service here once")
    assert not folder.exists()


def test_after_all_keys_but_one_are_given_up_the_start_makes_new_ones(
    host: Path, new_dsn: str
) -> None:
    (kek,) = [
        line.split()[0]
        for line in run(host, new_dsn, "keys", "list").stdout.splitlines()
        if line.startswith("kek-")
    ]
    lost = ("token-key.pem", "lease-key.pem", kek)
    for name in lost:
        assert run(host, new_dsn, "keys", "remove", "--lost", "--yes", name).returncode == 2
    for name in ("token-key.pem", "lease-key.pem", "keyring.json"):
        (host / name).unlink()
    for name in lost:
        given_up = run(host, new_dsn, "keys", "remove", "--lost", "--yes", name)
        assert f"{name} is given up." in given_up.stdout, given_up.stderr
    with serving(host, new_dsn) as process:
        assert first_line(process).startswith("Listening on ")
    assert sorted(path.name for path in host.iterdir()) == sorted(KEY_FILES)
