"""What each role may do, and what nobody may."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from app.database.embedded.config import LOGIN_ROLES

APPEND = """
SELECT integrations.append('[
    {"workspace": "demo", "stream": "int_1", "version": 1, "type": "Toggled", "action": "A",
     "actor_id": "user-1", "at": "2026-11-05T09:00:00Z", "envelope": "x"}
]')
"""
UPSERT = """
INSERT INTO integrations.events (
    position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
)
VALUES (1, 'demo', 1, 'int_1', 1, 'Forged', 'A', 'user-1', now(), 'x')
ON CONFLICT (position) DO UPDATE SET type = 'Forged'
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
GRANTS = """
SELECT grantee::regrole::text, relname, privilege_type FROM pg_class, aclexplode(relacl)
WHERE relnamespace = 'integrations'::regnamespace AND grantee <> relowner
UNION ALL
SELECT grantee::regrole::text, relname || '.' || attname, privilege_type
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid, aclexplode(attacl)
WHERE relnamespace = 'integrations'::regnamespace AND grantee <> relowner
UNION ALL
SELECT grantee::regrole::text, proname || '()', privilege_type FROM pg_proc, aclexplode(proacl)
WHERE pronamespace = 'integrations'::regnamespace AND grantee <> proowner
"""
ON_SCHEMA = """
SELECT grantee::regrole::text, privilege_type FROM pg_namespace, aclexplode(nspacl)
WHERE nspname = 'integrations' AND grantee <> nspowner
"""
SEES = """
SELECT DISTINCT role::text, CASE policyname WHEN 'own_workspace' THEN 'one workspace' ELSE 'all' END
FROM pg_policies, unnest(roles) AS role
WHERE schemaname = 'integrations' AND starts_with(role::text, 'integrations_')
"""
BEYOND = """
SELECT proname || '()', proconfig::text ~ 'search_path=pg_catalog, pg_temp'
FROM pg_proc WHERE pronamespace = 'integrations'::regnamespace AND prosecdef
"""
COLUMNS = """
SELECT relname, array_agg(attname::text) FROM pg_class c
JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'integrations'::regnamespace AND relkind = 'r' GROUP BY relname
"""
FUNCTIONS = """
SELECT proname, ARRAY(SELECT format_type(type, NULL) FROM unnest(proargtypes) AS type)
FROM pg_proc WHERE pronamespace = 'integrations'::regnamespace
    AND prorettype <> 'trigger'::regtype AND probin IS NULL -- none of an extension's, in C
"""
ON_TABLE = {
    "INSERT": SQL("INSERT INTO {} DEFAULT VALUES"),
    "DELETE": SQL("DELETE FROM {}"),
    "TRUNCATE": SQL("TRUNCATE {}"),
    "ALTER": SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY"),
    "POLICY": SQL("CREATE POLICY door ON {} USING (true)"),
}
ON_COLUMN = {
    "SELECT": SQL("SELECT {1} FROM {0}"),
    "UPDATE": SQL("UPDATE {0} SET {1} = DEFAULT"),
}
PAGE = Path(__file__).parents[3] / "docs" / "roles.md"
Right = tuple[str, str, str]
"""Role, what it is on, privilege."""
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
    """The role for commands, in the workspace demo, with one event in the log."""
    conninfo = make_conninfo(dsn, options="-c role=integrations_command -c app.workspace=demo")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(APPEND)
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


def test_the_roles_can_log_in_to_the_embedded_server_and_have_no_powers(
    superuser: Connection[TupleRow],
) -> None:
    assert superuser.execute(POWERS).fetchall() == [(True, *(False,) * 5)]


def test_a_stranger_sees_nothing(superuser: Connection[TupleRow], dsn: str) -> None:
    superuser.execute("CREATE ROLE stranger NOLOGIN")
    conninfo = make_conninfo(dsn, options="-c role=stranger")
    with psycopg.connect(conninfo) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("TABLE integrations.integration_view")
    superuser.execute("DROP ROLE stranger")


# ----- docs/roles.md -----
def table_under(head: str) -> list[list[str]]:
    """Return the cells of the table in docs/roles.md that begins with the line *head*."""
    after = PAGE.read_text().split(f"{head}\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in after.splitlines()[1:]]


def rights_on_the_page() -> list[Right]:
    """Return each right that the page lists."""
    return [
        (role, on, privilege)
        for role, privileges, every in table_under("| role | may | on |")
        for privilege in privileges.split(", ")
        for on in every.split(", ")
    ]


def test_the_page_lists_every_right_once_and_no_other(superuser: Connection[TupleRow]) -> None:
    assert sorted(rights_on_the_page()) == sorted(superuser.execute(GRANTS).fetchall())


def test_the_page_lists_every_role_and_what_it_sees(superuser: Connection[TupleRow]) -> None:
    listed = {(role, sees) for role, _, sees in table_under("| role | for | sees |")}
    assert listed == set(superuser.execute(SEES))
    assert {role for role, _ in listed} == set(LOGIN_ROLES)
    on_schema = {(role, "USAGE") for role, _ in listed}
    assert on_schema == set(superuser.execute(ON_SCHEMA))


def test_the_page_lists_every_function_that_looks_beyond(superuser: Connection[TupleRow]) -> None:
    rows = table_under("| function | why | what limits it |")
    listed = {(name, True) for names, *_ in rows for name in names.split(", ")}
    assert listed == set(superuser.execute(BEYOND))


@pytest.mark.parametrize("role", sorted({role for role, _, _ in rights_on_the_page()}))
def test_no_role_can_do_what_the_page_does_not_list(
    superuser: Connection[TupleRow], role: str
) -> None:
    has = {(on, privilege) for owner, on, privilege in rights_on_the_page() if owner == role}
    tables = superuser.execute(COLUMNS).fetchall()
    functions = superuser.execute(FUNCTIONS).fetchall()
    tried = [*on_tables(tables, has), *on_functions(functions, has)]
    superuser.execute(SQL("SET ROLE {}").format(Identifier(role)))
    for statement in tried:
        with pytest.raises(InsufficientPrivilege, match=r"permission denied|must be owner"):
            superuser.execute(statement)
    assert len(tried) > 100


def on_tables(tables: list[TupleRow], has: set[tuple[str, str]]) -> Iterator[Composed]:
    """Yield a statement for each thing that may be done with tables and that *has* lacks."""
    for table, columns in tables:
        lacks = {each for each in ON_TABLE if (table, each) not in has}
        name = Identifier("integrations", table)
        yield from (ON_TABLE[each].format(name) for each in sorted(lacks))
        for column in columns:
            may = {each for on, each in has if on in (table, f"{table}.{column}")}
            for each in sorted(ON_COLUMN.keys() - may):
                yield ON_COLUMN[each].format(name, Identifier(column))


def on_functions(functions: list[TupleRow], has: set[tuple[str, str]]) -> Iterator[Composed]:
    """Yield a call of each function that *has* lacks."""
    for name, types in functions:
        if (f"{name}()", "EXECUTE") not in has:
            nulls = SQL(", ").join(SQL("CAST(NULL AS {})").format(SQL(each)) for each in types)
            yield SQL("SELECT {}({})").format(Identifier("integrations", name), nulls)
