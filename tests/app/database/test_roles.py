"""What each role may do, and what nobody may."""

from collections.abc import Generator
from typing import LiteralString

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow

APPEND = "SELECT integrations.append('{demo}', '{int_1}', '{1}', '{Toggled}', '{x}')"
UPSERT = """
INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
VALUES (1, 'demo', 'int_1', 1, 'Forged', 'x') ON CONFLICT (position) DO UPDATE SET type = 'Forged'
"""
MERGE = """
MERGE INTO integrations.events e USING (SELECT 1 AS position) s ON e.position = s.position
WHEN MATCHED THEN DELETE
"""
CHANGES: list[LiteralString] = [
    "UPDATE integrations.events SET type = 'Forged'",
    "UPDATE integrations.events SET position = position + 1",
    "DELETE FROM integrations.events",
    "TRUNCATE integrations.events",
    "TRUNCATE integrations.events CASCADE",
    UPSERT,
    MERGE,
]
WAYS_ROUND: list[LiteralString] = [
    "CREATE TABLE integrations.mine ()",
    "ALTER TABLE integrations.events DISABLE TRIGGER events_never_change",
    "DROP TRIGGER events_never_change ON integrations.events",
    "SET session_replication_role = replica",
    "DROP TABLE integrations.events",
    "BEGIN; LOCK TABLE integrations.events IN EXCLUSIVE MODE",
    "CREATE OR REPLACE FUNCTION integrations.refuse_change() RETURNS trigger LANGUAGE sql AS ''",
]
READABLE = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'integrations'::regnamespace AND c.relkind IN ('r', 'v')
    AND has_table_privilege(c.oid, 'SELECT') ORDER BY c.relname
"""
WRITABLE = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'integrations'::regnamespace AND c.relkind IN ('r', 'v')
    AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')
"""
CALLABLE = """
SELECT p.proname FROM pg_proc p
WHERE p.pronamespace = 'integrations'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE')
"""
POWERS = """
SELECT DISTINCT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication
FROM pg_roles WHERE starts_with(rolname, 'integrations_')
"""


@pytest.fixture
def superuser(dsn: str) -> Generator[Connection[TupleRow]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def command(dsn: str) -> Generator[Connection[TupleRow]]:
    """The role for commands, with one event in the log."""
    conninfo = make_conninfo(dsn, options="-c role=integrations_command")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(APPEND)
        yield connection


@pytest.fixture
def query(dsn: str) -> Generator[Connection[TupleRow]]:
    conninfo = make_conninfo(dsn, options="-c role=integrations_query")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def test_the_role_for_commands_cannot_change_an_event(command: Connection[TupleRow]) -> None:
    for change in CHANGES:
        with pytest.raises(InsufficientPrivilege, match="permission denied"):
            command.execute(change)


def test_the_role_for_commands_cannot_get_round_that(command: Connection[TupleRow]) -> None:
    for way_round in WAYS_ROUND:
        with pytest.raises(InsufficientPrivilege):
            command.execute(way_round)
        command.rollback()


@pytest.mark.usefixtures("command")
def test_not_even_a_superuser_changes_an_event(superuser: Connection[TupleRow]) -> None:
    for change in CHANGES:
        with pytest.raises(InsufficientPrivilege, match="append-only"):
            superuser.execute(change)
    events = superuser.execute("SELECT position, type FROM integrations.events").fetchall()
    assert events == [(1, "Toggled")]


def test_the_role_for_queries_reads_views_and_whether_it_can_serve_and_nothing_else(
    query: Connection[TupleRow],
) -> None:
    readable = {name for (name,) in query.execute(READABLE)}
    assert "integration_view" in readable
    assert readable.isdisjoint({"events", "recorder_events", "secret_store", "answers"})
    assert query.execute(WRITABLE).fetchall() == []
    assert query.execute(CALLABLE).fetchall() == []


def test_the_role_for_queries_is_refused_the_log_and_the_secrets(
    query: Connection[TupleRow],
) -> None:
    for table in ("events", "recorder_events", "secret_store", "answers"):
        with pytest.raises(InsufficientPrivilege):
            query.execute(f"TABLE integrations.{table}".encode())


def test_the_roles_cannot_log_in_and_have_no_powers(superuser: Connection[TupleRow]) -> None:
    assert superuser.execute(POWERS).fetchall() == [(False,) * 6]


def test_a_stranger_sees_nothing(superuser: Connection[TupleRow], dsn: str) -> None:
    superuser.execute("CREATE ROLE stranger NOLOGIN")
    conninfo = make_conninfo(dsn, options="-c role=stranger")
    with psycopg.connect(conninfo) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("TABLE integrations.integration_view")
    superuser.execute("DROP ROLE stranger")
