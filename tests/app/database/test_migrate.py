"""Migrating: from nothing, again, by many at once, and what stops it, in one line each."""

import subprocess
import sys
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from app.database import migrate as module
from app.database.embedded import open_embedded
from app.database.embedded.config import LOGIN_ROLES
from app.database.migrate import MigrationError, migrate, migration_names, migrations

NUMBERS = count(1)
APPLIED = "SELECT name, sha256, at FROM integrations.migrations ORDER BY name"
OBJECTS = """
SELECT relname, xmin::text FROM pg_class WHERE relnamespace = 'integrations'::regnamespace
UNION ALL SELECT proname, xmin::text FROM pg_proc WHERE pronamespace = 'integrations'::regnamespace
ORDER BY 1, 2
"""
OPEN_TO_ALL = """
SELECT proname FROM pg_proc WHERE pronamespace = 'integrations'::regnamespace
    AND has_function_privilege('public', oid, 'EXECUTE') AND probin IS NULL -- none of an extension
"""
WALLS_OF_NEWER = """
SELECT relrowsecurity, relforcerowsecurity,
    ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY polname)
FROM pg_class c WHERE relname = 'newer'
"""
CAN_ACT = """
SELECT rolname, pg_has_role('ordinary', rolname, 'SET')
FROM pg_roles WHERE starts_with(rolname, 'integrations_')
"""
OUR_ROLES = ", ".join(LOGIN_ROLES)
BODY = "SELECT prosrc FROM pg_proc WHERE proname = 'lock_log'"
SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname = 'integrations'"
MIGRATE = "import sys; from app.database.migrate import migrate; migrate(sys.argv[1])"


@pytest.fixture
def empty(server_dsn: str) -> Generator[str]:
    """A database with nothing in it."""
    name = f"empty_{next(NUMBERS)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_conninfo(server_dsn, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def ordinary(server_dsn: str) -> Generator[str]:
    """A role without any right."""
    name = f"ordinary_{next(NUMBERS)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name}".encode())
        yield name
        connection.execute(f"DROP ROLE {name}".encode())


@pytest.fixture
def look() -> Callable[[str, str], list[TupleRow]]:
    """Return what a query finds in a database."""

    def looked(dsn: str, query: str) -> list[TupleRow]:
        with psycopg.connect(dsn) as connection:
            return connection.execute(query.encode()).fetchall()

    return looked


Look = Callable[[str, str], list[TupleRow]]


def acting_as(dsn: str, role: str) -> str:
    """Return *dsn* with the rights of *role*."""
    return make_conninfo(dsn, options=f"-c role={role}")


def administered(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def refusal(dsn: str) -> str:
    """Return the one line with which migrating stops."""
    with pytest.raises(MigrationError) as refused:
        migrate(dsn)
    assert "\n" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__
    return str(refused.value)


# ----- What it does -----
def test_from_nothing_everything_is_applied_and_remembered(empty: str, look: Look) -> None:
    migrate(empty)
    assert {name for name, _, _ in look(empty, APPLIED)} == migration_names()
    assert look(empty, "SELECT count(*) FROM integrations.events") == [(0,)]


def test_again_nothing_changes(empty: str, look: Look) -> None:
    migrate(empty)
    before = look(empty, APPLIED), look(empty, OBJECTS)
    migrate(empty)
    assert (look(empty, APPLIED), look(empty, OBJECTS)) == before


def test_four_processes_at_once_migrate_once(empty: str, look: Look) -> None:
    command = [sys.executable, "-c", MIGRATE, empty]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 4
    assert {name for name, _, _ in look(empty, APPLIED)} == migration_names()
    times = {at for _, _, at in look(empty, APPLIED)}
    assert len(times) == 1


def test_every_file_is_applied_once_and_the_schema_before_numbered_migrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    for name in ("0002_later.sql", "0001_first.sql"):
        (tmp_path / "migrations" / name).write_text("SELECT 1")
    schema = [file.name for file in migrations()]
    assert schema == [file.name for file in module.SCHEMA]
    assert len(migration_names()) == len(module.SCHEMA) + len(module.FUNCTIONS)
    monkeypatch.setattr(module, "files", {"app.database": tmp_path}.__getitem__)
    assert [file.name for file in migrations()] == [*schema, "0001_first.sql", "0002_later.sql"]


def test_a_function_whose_file_has_changed_is_replaced(empty: str, look: Look) -> None:
    migrate(empty)
    [(body,)] = look(empty, BODY)
    administered(
        empty,
        "UPDATE integrations.migrations SET sha256 = 'older' WHERE name = 'lock_log.sql'",
        "CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE sql AS ''",
    )
    migrate(empty)
    assert look(empty, BODY) == [(body,)]
    assert "older" not in {checksum for _, checksum, _ in look(empty, APPLIED)}


def test_a_new_function_is_never_open_to_everybody(empty: str, look: Look) -> None:
    migrate(empty)
    administered(
        empty,
        "UPDATE integrations.migrations SET sha256 = 'older' WHERE name = 'append.sql'",
        "CREATE FUNCTION integrations.append(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    )
    assert look(empty, OPEN_TO_ALL) == [("append",)]
    migrate(empty)
    assert look(empty, OPEN_TO_ALL) == []


def test_a_new_table_with_a_workspace_has_row_level_security_at_once(
    empty: str, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty)
    newer = tmp_path / "9999_newer.sql"
    newer.write_text("CREATE TABLE integrations.newer (workspace_id text)")
    every = [*migrations(), newer]
    monkeypatch.setattr(module, "migrations", lambda: every)
    migrate(empty)
    assert look(empty, WALLS_OF_NEWER) == [(True, True, ["every_workspace", "own_workspace"])]


def test_where_one_migration_fails_none_is_applied(
    empty: str, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "9999_failing.sql"
    failing.write_text("CREATE TABLE integrations.half (); SELECT 1 / 0;")
    every = [*migrations(), failing]
    monkeypatch.setattr(module, "migrations", lambda: every)
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty)
    assert look(empty, SCHEMAS) == [(0,)]


# ----- What stops it -----
def test_a_migration_that_has_changed_since_is_refused_and_nothing_is_done(
    empty: str, look: Look
) -> None:
    migrate(empty)
    administered(empty, "UPDATE integrations.migrations SET sha256 = 'x' WHERE name = 'events.sql'")
    before = look(empty, APPLIED)
    said = (
        "This database or data directory was set up by another version (events.sql differs), and"
        " this version cannot read it: start with an empty database or another"
        " INTEGRATIONS_DATA_DIR."
    )
    assert refusal(empty) == said
    assert look(empty, APPLIED) == before


def test_a_numbered_migration_that_has_changed_since_is_to_be_restored(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered = tmp_path / "0001_newer.sql"
    numbered.write_text("CREATE TABLE integrations.newer ()")
    every = [*migrations(), numbered]
    monkeypatch.setattr(module, "migrations", lambda: every)
    migrate(empty)
    numbered.write_text("CREATE TABLE integrations.other ()")
    said = "Migration 0001_newer.sql has changed since it was applied; restore the file."
    assert refusal(empty) == said


def test_a_database_of_before_the_first_release_is_refused_and_stays_as_it_was(
    empty: str, look: Look
) -> None:
    administered(empty, "CREATE SCHEMA integrations CREATE TABLE answers (key text)")
    before = look(empty, OBJECTS)
    assert "start with an empty database" in refusal(empty)
    assert look(empty, OBJECTS) == before


def test_a_server_that_is_too_old_is_refused_before_anything_is_done(
    empty: str, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server is as it is: so what counts as old is moved past it.
    monkeypatch.setattr(module, "MIN_SERVER_VERSION", 990000)
    assert refusal(empty).endswith(" is too old: version 15 or newer is needed.")
    assert look(empty, SCHEMAS) == [(0,)]


def test_the_oldest_server_is_postgresql_15() -> None:
    assert module.MIN_SERVER_VERSION == 150000


def test_the_error_names_the_rights_that_the_user_lacks(
    empty: str, ordinary: str, look: Look
) -> None:
    said = refusal(acting_as(empty, ordinary))
    assert "CREATE on the database" in said
    assert "CREATEROLE" in said
    assert "docs/roles.md" in said
    assert look(empty, SCHEMAS) == [(0,)]


def test_once_an_administrator_has_migrated_an_ordinary_user_can_start(
    empty: str, ordinary: str, look: Look
) -> None:
    migrate(empty)
    administered(empty, f"GRANT {OUR_ROLES} TO {ordinary}")
    before = look(empty, APPLIED)
    migrate(acting_as(empty, ordinary))
    assert look(empty, APPLIED) == before


def test_a_user_with_the_rights_that_the_message_names_can_do_it_alone(data_dir: Path) -> None:
    with open_embedded(data_dir, durable=False) as server:  # one without our roles
        administered(
            server.dsn,
            "CREATE ROLE ordinary CREATEROLE",
            f"GRANT CREATE ON DATABASE {conninfo_to_dict(server.dsn)['dbname']} TO ordinary",
        )
        migrate(acting_as(server.dsn, "ordinary"))
        with psycopg.connect(server.dsn) as connection:
            roles = connection.execute(CAN_ACT).fetchall()
    assert roles
    assert all(can_act for _, can_act in roles), roles


def test_a_server_that_is_away_is_said_without_the_password() -> None:
    said = refusal("postgresql://somebody:canary@127.0.0.1:1/integrations")
    assert said.startswith("The database cannot be reached or used: ")
    assert "canary" not in said


def test_a_database_that_is_not_there_is_said(server_dsn: str) -> None:
    assert 'database "nowhere" does not exist' in refusal(
        make_conninfo(server_dsn, dbname="nowhere")
    )
