"""integrations doctor: each thing that is wrong is a line that says what to do."""

from collections.abc import Generator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.service import StartService, environment_with, run_command

NUMBERS = count(1)
OLD_EVENT = """
SELECT integrations.append(jsonb_build_array(jsonb_build_object(
    'workspace', 'demo', 'stream', 'int_1', 'version', 1, 'type', 'T', 'action', 'A',
    'actor_id', 'user-1', 'at', now() - interval '1 hour', 'envelope', '{}'
)))
"""
SIGNED = """
INSERT INTO integrations.audit_checkpoints (workspace_id, size, position, note)
VALUES ('*', 1, 1, 'signed')
"""
SUBJECTS = [
    "provider files",
    "address of the console",
    "disk",
    "database and schema",
    "roles, rights and policies",
    "keys and keyring",
    "stored secrets",
    "token keys",
    "signing of the log",
    "clock",
    "connections",
]


@pytest.fixture
def begun(
    server_dsn: str, data_dir: Path, start_service: StartService
) -> Generator[dict[str, str]]:
    """The environment of an installation that was started once, and stopped."""
    name = f"doctor_{next(NUMBERS)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        dsn = make_conninfo(server_dsn, dbname=name)
        with start_service(data_dir, database_url=dsn) as service:
            pass
        yield service.environment
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def doctor(environment: dict[str, str]) -> tuple[int, list[str]]:
    """Return the status of the command, and its lines."""
    ended = run_command(environment, "doctor")
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout.splitlines()


def wrong(environment: dict[str, str]) -> list[str]:
    """Return the lines of what is wrong; the command ends with 1."""
    status, lines = doctor(environment)
    assert status == 1
    return [line.removeprefix("!!  ") for line in lines if line.startswith("!!")]


def change(environment: dict[str, str], statement: str) -> None:
    with psycopg.connect(environment["INTEGRATIONS_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_sound_installation_is_well(begun: dict[str, str], data_dir: Path) -> None:
    before = sorted(data_dir.iterdir())

    assert doctor(begun) == (0, [f"ok  {subject}" for subject in SUBJECTS])
    assert sorted(data_dir.iterdir()) == before


def test_a_missing_key_is_named_with_where_to_copy_it_from(
    begun: dict[str, str], data_dir: Path
) -> None:
    (data_dir / "lease-key.pem").unlink()

    [line] = wrong(begun)

    assert line.startswith("keys and keyring: ")
    assert "lease-key.pem is missing: copy the files" in line


def test_a_missing_right_asks_for_migrate(begun: dict[str, str]) -> None:
    change(begun, "REVOKE SELECT ON integrations.events FROM integrations_past")

    assert wrong(begun) == ["roles, rights and policies: 1 missing: run integrations migrate."]


def test_the_schema_of_another_release_ends_the_look(begun: dict[str, str]) -> None:
    change(begun, "UPDATE integrations.migrations SET sha256 = 'x' WHERE name = 'head.sql'")

    [line] = wrong(begun)

    assert line.startswith("database and schema: The schema of this database is not that")


def test_a_database_that_is_away_ends_the_look(begun: dict[str, str]) -> None:
    away = {"INTEGRATIONS_DATABASE_URL": "postgresql://user@127.0.0.1:1/nowhere"}

    [line] = wrong({**begun, **away})

    assert line.startswith("database and schema: ")
    assert "\n" not in line


def test_an_event_that_nobody_signs_is_told(begun: dict[str, str]) -> None:
    change(begun, OLD_EVENT)

    [line] = wrong(begun)

    assert line.startswith("signing of the log: 1 events are not signed, the oldest for 36")


def test_an_old_event_that_is_signed_is_well(begun: dict[str, str]) -> None:
    change(begun, OLD_EVENT)
    change(begun, SIGNED)

    assert doctor(begun)[0] == 0


@pytest.mark.parametrize(
    ("setting", "value", "subject"),
    [
        ("POOL_SIZE", "58", "connections"),  # 122 of 120
        ("JWKS", "/nowhere/jwks.json", "token keys"),
        ("PROVIDERS", "/nowhere", "provider files"),
        ("HOST", "192.0.2.1", "address of the console"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    begun: dict[str, str], setting: str, value: str, subject: str
) -> None:
    [line] = wrong({**begun, f"INTEGRATIONS_{setting}": value})

    assert line.startswith(f"{subject}: ")
    assert setting != "JWKS" or "set INTEGRATIONS_JWKS to a file or an https address" in line


def test_without_anything_it_says_where_to_begin(data_dir: Path) -> None:
    folder = data_dir / "none"

    lines = wrong(environment_with(data_dir=folder))

    assert [line.partition(":")[0] for line in lines] == ["disk", "database and schema"]
    assert not folder.exists()
