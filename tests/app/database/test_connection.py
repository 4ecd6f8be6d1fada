"""An address leads only to a server that takes writes, and a session stays what it is."""

from collections.abc import Generator
from typing import LiteralString

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow

from app.database.connection import acting_as, given_options, role_name, with_role_prefix
from app.database.embedded.config import LOGIN_ROLES
from app.database.pools import connection_info

THREE = "host=a,b,c dbname=integrations target_session_attrs=any"
WAYS_BACK: list[LiteralString] = [
    "RESET ROLE",
    "SET ROLE NONE",
    "RESET SESSION AUTHORIZATION",
    "SET SESSION AUTHORIZATION DEFAULT",
    "DISCARD ALL",
    "RESET ALL",
]
WAYS_UP: list[LiteralString] = [
    "SET ROLE integrations",
    "SET SESSION AUTHORIZATION integrations",
    "SELECT set_config('role', 'integrations', false)",
    "SELECT set_config('session_authorization', 'integrations', false)",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "GRANT integrations TO CURRENT_USER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "CREATE ROLE more",
]
WHO = "SELECT current_user, session_user, current_setting('is_superuser')"


def test_an_address_that_would_take_any_server_is_led_to_one_that_takes_writes() -> None:
    found = conninfo_to_dict(connection_info(THREE))
    assert (found["host"], found["target_session_attrs"]) == ("a,b,c", "read-write")


# ----- The roles of the embedded server log in -----
@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_a_session_of_the_embedded_server_cannot_become_more_than_its_role(
    dsn: str, role: str
) -> None:
    with psycopg.connect(acting_as(dsn, role, timezone="UTC"), autocommit=True) as session:
        for way in WAYS_BACK:
            session.execute(way)
            assert session.execute(WHO).fetchall() == [(role, role, "off")], way
        for way in WAYS_UP:
            with pytest.raises(psycopg.Error, match=r"permission denied|must|cannot|not allowed"):
                session.execute(way)
        for other in LOGIN_ROLES:
            if other != role:
                with pytest.raises(InsufficientPrivilege):
                    session.execute(f"SET ROLE {other}".encode())


# ----- Elsewhere the login takes a role on -----
@pytest.fixture
def login(dsn: str, admin: Connection[TupleRow]) -> Generator[str]:
    """The address of the login that docs/postgresql.md makes: nothing of its own, some roles."""
    admin.execute("CREATE ROLE service LOGIN NOINHERIT")
    admin.execute("GRANT integrations_command, integrations_query TO service")
    yield make_conninfo(dsn, user="service", options="")
    admin.execute("DROP ROLE service")


def test_a_session_of_a_login_without_rights_goes_back_to_none(login: str) -> None:
    with psycopg.connect(acting_as(login, "integrations_query"), autocommit=True) as session:
        session.execute("SELECT 1 FROM integrations.integration_view")
        session.execute("SET ROLE NONE")
        assert session.execute(WHO).fetchall() == [("service", "service", "off")]
        with pytest.raises(InsufficientPrivilege):
            session.execute("SELECT 1 FROM integrations.integration_view")
        for way in (*WAYS_UP, "SET ROLE integrations_audit"):
            with pytest.raises(psycopg.Error, match=r"permission denied|must|cannot|not allowed"):
                session.execute(way)


# ----- What an address says -----
@pytest.mark.parametrize(
    ("given", "prefix", "user", "options"),
    [
        ("user=a", "integrations", "a", "-c role=integrations_past -c timezone=UTC"),
        (
            "user=a options='-c search_path=b'",
            "integrations",
            "a",
            "-c search_path=b -c role=integrations_past -c timezone=UTC",
        ),
        (
            "user=a",
            "crm",
            "a",
            "-c app.role_prefix=crm -c role=crm_past -c timezone=UTC",
        ),
        (
            "user=a options='-c app.roles_log_in=on'",
            "crm",
            "crm_past",
            "-c app.roles_log_in=on -c app.role_prefix=crm -c timezone=UTC",
        ),
    ],
)
def test_the_role_follows_from_the_address(
    given: str, prefix: str, user: str, options: str
) -> None:
    found = acting_as(with_role_prefix(given, prefix), "integrations_past", timezone="UTC")
    assert conninfo_to_dict(found)["user"] == user
    assert given_options(found) == options


def test_without_a_prefix_a_role_has_its_own_name() -> None:
    assert role_name(THREE, "integrations_past") == "integrations_past"
