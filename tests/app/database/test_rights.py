"""What roles may do and see is looked at in each start, and put right."""

import subprocess
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from app.database.connection import acting_as, with_role_prefix
from app.database.embedded import open_embedded
from app.database.embedded.account import server_account
from app.database.embedded.cluster import find_programs
from app.database.embedded.data_directory import create_server_directory
from app.database.migrate import migrate
from app.database.rights import MissingRightsError, missing_rights
from app.views.rebuild.rebuild import rebuild
from app.views.rebuild.versions import register_versions
from projections.registry import PROJECTIONS

PUBLIC_FUNCTION = "CREATE FUNCTION integrations.newer() RETURNS void LANGUAGE sql AS ''"
OWN = "CREATE POLICY own_workspace ON integrations.snapshots TO integrations_query"
DAMAGE = [
    "REVOKE USAGE ON SCHEMA integrations FROM integrations_query",
    "REVOKE SELECT ON integrations.events FROM integrations_past",
    "REVOKE SELECT (workspace_id) ON integrations.events FROM integrations_query",
    "REVOKE EXECUTE ON FUNCTION integrations.head() FROM integrations_past",
    "GRANT DELETE ON integrations.events TO integrations_command",
    "GRANT SELECT ON integrations.events TO integrations_query",  # goes with those on columns
    "GRANT SELECT (ciphertext) ON integrations.secret_store TO integrations_rewrap",
    "GRANT SELECT ON integrations.snapshots TO PUBLIC",
    "GRANT CREATE ON SCHEMA integrations TO integrations_command",
    PUBLIC_FUNCTION,
    "ALTER TABLE integrations.events DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE integrations.events NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY own_workspace ON integrations.snapshots",
    "ALTER POLICY own_workspace ON integrations.snapshots USING (true)",
    "ALTER POLICY own_workspace ON integrations.snapshots WITH CHECK (true)",
    "ALTER POLICY own_workspace ON integrations.snapshots TO integrations_query",
    "ALTER POLICY every_workspace ON integrations.snapshots TO PUBLIC",
    f"DROP POLICY own_workspace ON integrations.snapshots; {OWN} USING (workspace_id = 'demo')",
    "CREATE POLICY door ON integrations.snapshots TO integrations_query USING (true)",
    "CREATE POLICY door ON integrations.snapshots USING (true)",
    "CREATE TABLE integrations.newer (workspace_id text)",
    "ALTER ROLE integrations_query NOLOGIN",
    "ALTER ROLE integrations_query SUPERUSER BYPASSRLS",
    "ALTER ROLE integrations_query CREATEDB CREATEROLE REPLICATION",
    "GRANT integrations_audit TO integrations_query",
    "GRANT pg_read_all_data TO integrations_query",
]
OF_OTHERS = [
    "CREATE TABLE integrations.integration_view_v9 (workspace_id text)",  # a rebuild makes it
    "GRANT SELECT ON integrations.events TO reporting",
    "CREATE POLICY report ON integrations.events TO reporting USING (true)",
    "CREATE POLICY less ON integrations.events AS RESTRICTIVE TO reporting USING (false)",
]
ROLES_OF_POLICIES = "SELECT DISTINCT unnest(roles)::text FROM pg_policies ORDER BY 1"
COUNT = "SELECT count(*) FROM integrations.events"
APPEND = """
SELECT integrations.append('[
    {"workspace": "demo", "stream": "int_1", "version": 1, "type": "Toggled", "action": "A",
     "actor_id": "user-1", "at": "2026-11-05T09:00:00Z", "envelope": "x"}
]')
"""
POLICIES = """
SELECT count(*), count(*) FILTER (WHERE relrowsecurity AND relforcerowsecurity)
FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
"""


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_changed_is_named_and_put_right_at_the_next_start(
    dsn: str, admin: Connection[TupleRow], damage: str
) -> None:
    assert missing_rights(admin) == []
    admin.execute(damage.encode())
    assert 1 <= len(missing_rights(admin)) <= 3
    migrate(dsn)
    assert missing_rights(admin) == []


def test_what_others_may_do_is_left_alone(admin: Connection[TupleRow]) -> None:
    admin.execute("CREATE ROLE reporting")
    for statement in OF_OTHERS:
        admin.execute(statement.encode())
        assert missing_rights(admin) == [], statement
    admin.execute("DROP OWNED BY reporting; DROP ROLE reporting")


# ----- A login that may not -----
@pytest.fixture
def app_login(dsn: str, admin: Connection[TupleRow]) -> Generator[str]:
    """The address of a login without any right, in a database that an administrator has made."""
    admin.execute('CREATE ROLE "app-1" LOGIN NOINHERIT')
    yield make_conninfo(dsn, user="app-1")
    admin.execute('DROP OWNED BY "app-1"; DROP ROLE "app-1"')


def refusal(dsn: str) -> str:
    """Return the one line with which migrating stops."""
    with pytest.raises(MissingRightsError) as refused:
        migrate(dsn)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def pasted(said: str) -> bytes:
    """Return the statements that the line *said* ends with."""
    assert said.endswith(";")
    return said.partition("administrator of the database: ")[2].encode()


def test_the_line_has_the_statement_that_makes_the_login_enough(
    app_login: str, admin: Connection[TupleRow]
) -> None:
    said = refusal(app_login)
    assert "GRANT integrations_audit, integrations_command, " in said
    assert 'TO "app-1";' in said
    admin.execute(pasted(said))
    migrate(app_login)


def test_a_login_that_may_not_put_a_right_right_says_how(
    app_login: str, admin: Connection[TupleRow]
) -> None:
    admin.execute(pasted(refusal(app_login)))
    admin.execute("REVOKE SELECT ON integrations.events FROM integrations_past")
    said = refusal(app_login)
    assert said.endswith(": GRANT SELECT ON TABLE integrations.events TO integrations_past;")
    admin.execute(pasted(said))
    migrate(app_login)


def test_where_much_is_missing_the_line_names_the_command(
    app_login: str, admin: Connection[TupleRow]
) -> None:
    admin.execute("DROP OWNED BY integrations_command, integrations_past, integrations_audit")
    assert "integrations migrate" in refusal(app_login)
    assert len(refusal(app_login)) < 250


# ----- Two installations on one server -----
@pytest.fixture
def two_owners(data_dir: Path) -> Generator[tuple[str, str]]:
    """The addresses of two databases of a server, each of an owner of its own with CREATEROLE."""
    with open_embedded(data_dir, durable=False) as server:
        for name in ("first", "second"):
            with psycopg.connect(server.dsn, autocommit=True) as superuser:
                superuser.execute(f"CREATE ROLE {name} LOGIN CREATEROLE".encode())
                superuser.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        one, two = (
            make_conninfo(server.dsn, user=name, dbname=name, options="")
            for name in ("first", "second")
        )
        yield one, two


def show_nothing(_: str, __: int, ___: int) -> None:
    """Show no progress."""


def test_a_second_installation_has_roles_of_its_own_by_a_prefix(
    two_owners: tuple[str, str],
) -> None:
    first, second = two_owners
    migrate(first)
    said = refusal(second)
    assert "(if another installation has made them, set INTEGRATIONS_ROLE_PREFIX)" in said
    second = with_role_prefix(second, "crm")
    migrate(second)
    migrate(second)
    with psycopg.connect(second) as connection:
        register_versions(connection, PROJECTIONS.values())
    rebuild(second, [PROJECTIONS["integration_view"]], show_nothing)
    role = acting_as(second, "integrations_command", **{"app.workspace": "demo"})
    with psycopg.connect(role) as connection:
        assert connection.execute("SELECT current_user").fetchall() == [("crm_command",)]
        connection.execute(APPEND)
    with psycopg.connect(second) as connection:
        assert missing_rights(connection) == []
        assert connection.execute(ROLES_OF_POLICIES).fetchall() == [
            ("crm_audit",), ("crm_command",), ("crm_follower",), ("crm_past",), ("crm_query",),
            ("crm_rebuild",), ("crm_recorder",), ("crm_rewrap",), ("second",),
        ]  # fmt: skip


# ----- A dump in a new server -----
@pytest.fixture
def restored(data_dir: Path, dsn: str, admin: Connection[TupleRow]) -> Generator[str]:
    """The address of a dump in a server that has none of our roles, of an owner with CREATEROLE."""
    admin.execute(APPEND)
    programs = find_programs(server_account(), create_server_directory(data_dir, durable=False))
    dump = subprocess.run([programs / "pg_dump", "-O", "-d", dsn], check=True, capture_output=True)
    with open_embedded(data_dir, durable=False) as server:
        with psycopg.connect(server.dsn, autocommit=True) as new:
            new.execute("CREATE ROLE keeper LOGIN CREATEROLE")
            new.execute("CREATE DATABASE restored OWNER keeper")
        address = make_conninfo(server.dsn, user="keeper", dbname="restored")
        subprocess.run(
            [programs / "psql", "-q", "-d", address],
            input=dump.stdout, check=True, capture_output=True,
        )  # fmt: skip
        yield address


def test_a_dump_in_a_new_server_gets_its_roles_rights_and_policies_again(
    restored: str, admin: Connection[TupleRow]
) -> None:
    with psycopg.connect(restored, autocommit=True) as new:
        assert new.execute(POLICIES).fetchall() == [(0, 0)]
        assert len(missing_rights(new)) > 80
        migrate(restored)
        assert missing_rights(new) == []
        assert new.execute(POLICIES).fetchall() == admin.execute(POLICIES).fetchall()
        for workspace, events in (("other", 0), ("demo", 1)):
            new.execute("SET ROLE integrations_past")
            new.execute("SELECT set_config('app.workspace', %s, false)", (workspace,))
            assert new.execute(COUNT).fetchall() == [(events,)]
