"""Hosts that start on one database, as operators type it: one installation, one line for others."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

INTEGRATIONS = (sys.executable, "-c", "from scripts.commands.cli import main; main()")
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
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTEGR")}
    return clean | {
        "INTEGRATIONS_DATA_DIR": str(folder),
        "INTEGRATIONS_DATABASE_URL": dsn,
        "INTEGRATIONS_PORT": "0",
    }


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
    assert told.startswith("integrations: This host has not the keys of the database: ")
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
