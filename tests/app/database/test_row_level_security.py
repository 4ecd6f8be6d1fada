"""Workspaces are walls in the database, whatever a query forgets and whoever owns the tables."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow, scalar_row, tuple_row
from psycopg.sql import SQL, Identifier

from app.database.connection import ROLES_LOG_IN
from app.database.embedded import open_embedded
from app.database.migrate import migrate
from app.database.pools import Pool, open_pool
from app.database.row_level_security import fetch_in_workspace, workspace_connection
from app.event_store.batch import encode_batch
from app.event_store.idempotency import delete_expired_responses
from app.event_store.postgres import RECORD_SQL, PostgresEventLog
from app.event_store.protocol import Changeset
from app.event_store.snapshots import SNAPSHOT_FORMATS, StreamState, encode_snapshot
from app.views.integrations import IntegrationViews
from app.views.list_queries import ListFilter, SortOrder
from domain.integration import IntegrationCreated, IntegrationRenamed

WriteOf = Callable[..., Changeset]
SERVING = ("integrations_command", "integrations_query", "integrations_past")
LACKING = """
SELECT relname FROM pg_class c
JOIN pg_attribute ON attrelid = c.oid AND attname = 'workspace_id'
WHERE relnamespace = 'integrations'::regnamespace AND relkind IN ('r', 'p', 'f', 'm') AND NOT (
    relrowsecurity AND relforcerowsecurity
    AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'own_workspace')
)
"""
POLICIES = """
SELECT policyname, permissive, cmd, qual, with_check, array_length(roles, 1)
FROM pg_policies WHERE schemaname = 'integrations' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY policyname
"""
WALLED = "SELECT DISTINCT tablename FROM pg_policies WHERE schemaname = 'integrations' ORDER BY 1"
MAY_READ = "SELECT has_table_privilege(%s, 'integrations.' || %s, 'SELECT')"
SHOWN = "SELECT workspace_id, id FROM integrations.integration_view ORDER BY id"
# A row of 'mine' and one of 'theirs', where commands leave none.
FILL: tuple[LiteralString, ...] = (
    """
    INSERT INTO integrations.channel_default_view
    SELECT workspace, 'def_EMAIL', 1, 'int_1', now() FROM unnest(%s::text[]) AS workspace
    """,
    """
    INSERT INTO integrations.secret_store
    SELECT workspace, 'int_1', 'apiKey', 1, 'kek-1', '', '', '' FROM unnest(%s::text[]) AS workspace
    """,
    """
    INSERT INTO integrations.idempotent_responses
        (workspace_id, key, fingerprint, status, headers, body)
    SELECT workspace, 'k', '', 200, '{}', '' FROM unnest(%s::text[]) AS workspace
    """,
    """
    INSERT INTO integrations.snapshots
    SELECT workspace, 'int_1', '', 1, '' FROM unnest(%s::text[]) AS workspace
    """,
    """
    INSERT INTO integrations.audit_tiles
    SELECT workspace, 0, 0, '' FROM unnest(%s::text[]) AS workspace
    """,
    """
    INSERT INTO integrations.audit_checkpoints (workspace_id, size, position, note)
    SELECT workspace, 1, 1, '' FROM unnest(%s::text[]) AS workspace
    """,
    """
    SELECT integrations.record_accesses(jsonb_agg(jsonb_build_object(
        'workspace', workspace, 'stream', 'int_1', 'grant_key', '00', 'at', now(),
        'actor', 'a', 'envelope', '{}'
    ))) FROM unnest(%s::text[]) AS workspace
    """,
)
SNAPSHOT = (
    "UPDATE integrations.snapshots SET (shape, state) = (%s, %s) WHERE workspace_id = 'theirs'"
)
APPEND = """
SELECT integrations.append('[
    {"workspace": "theirs", "stream": "int_9", "version": 1, "type": "Toggled", "envelope": "x"}
]')
"""
FORBIDDEN: tuple[LiteralString, ...] = (
    APPEND,
    "INSERT INTO integrations.integration_counts VALUES ('theirs', 'SENDGRID', true, 1)",
    "UPDATE integrations.integration_view SET workspace_id = 'theirs'",
    """INSERT INTO integrations.secret_store
    VALUES ('theirs', 'int_9', 'apiKey', 1, 'kek-1', '', '', '')""",
)
IN_VAIN: tuple[LiteralString, ...] = (
    "UPDATE integrations.integration_view SET name = 'x' WHERE workspace_id = 'theirs'",
    "DELETE FROM integrations.integration_view WHERE workspace_id = 'theirs'",
    "DELETE FROM integrations.secret_store WHERE workspace_id = 'theirs'",
    "DELETE FROM integrations.idempotent_responses WHERE workspace_id = 'theirs'",
    "UPDATE integrations.integration_counts SET amount = 0 WHERE workspace_id = 'theirs'",
)


@pytest.fixture
async def filled(
    dsn: str, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> str:
    """A database in which 'mine' and 'theirs' have a row of everything."""
    async with open_pool(dsn, "integrations_command") as pool:
        for number, workspace in enumerate(("mine", "theirs")):
            await PostgresEventLog(pool).append(
                write_of(created, workspace=workspace, stream=f"int_{number}")
            )
    for statement in FILL:
        admin.execute(statement, (["mine", "theirs"],))
    return dsn


@contextmanager
def acting(dsn: str, role: str, workspace: str | None = None) -> Generator[Connection[TupleRow]]:
    """A connection as *role*, all of whose transactions name *workspace*."""
    options = f"-c role={role}" + (f" -c app.workspace={workspace}" if workspace else "")
    with psycopg.connect(make_conninfo(dsn, options=options), autocommit=True) as connection:
        yield connection


def seen_in(connection: Connection[TupleRow], table: str) -> list[str]:
    """Return whose rows *connection* sees in *table*, by a query that forgets to ask for one's."""
    query = SQL("SELECT DISTINCT workspace_id FROM integrations.{} ORDER BY 1")
    cursor = connection.cursor(row_factory=scalar_row)
    return cursor.execute(query.format(Identifier(table))).fetchall()


def readable(admin: Connection[TupleRow], role: str) -> list[str]:
    """Return the walled tables of which *role* may read all columns."""
    tables = [table for (table,) in admin.execute(WALLED)]
    return [
        table for table in tables if admin.execute(MAY_READ, (role, table)).fetchone() == (True,)
    ]


# ----- The walls are there -----
def test_every_table_with_a_workspace_has_row_level_security(admin: Connection[TupleRow]) -> None:
    assert admin.execute(LACKING).fetchall() == []
    admin.execute("CREATE TABLE integrations.newer (workspace_id text)")
    assert admin.execute(LACKING).fetchall() == [("newer",)]


def test_every_policy_is_the_same(admin: Connection[TupleRow]) -> None:
    own = "(workspace_id = current_setting('app.workspace'::text, true))"
    assert admin.execute(POLICIES).fetchall() == [
        ("every_workspace", "PERMISSIVE", "ALL", "true", None, 6),
        ("own_workspace", "PERMISSIVE", "ALL", own, None, len(SERVING)),
    ]


# ----- And hold -----
@pytest.mark.parametrize("role", SERVING)
def test_a_read_that_forgets_the_workspace_sees_no_foreign_row(
    filled: str, admin: Connection[TupleRow], role: str
) -> None:
    tables = readable(admin, role)
    assert "events" in tables or role == "integrations_query"
    with acting(filled, role, "mine") as mine, acting(filled, role) as nobody:
        for table in tables:
            assert seen_in(admin, table) == ["mine", "theirs"], table
            assert seen_in(mine, table) == ["mine"], table
            assert seen_in(nobody, table) == [], table


def test_without_row_level_security_that_read_would_see_them(
    filled: str, admin: Connection[TupleRow]
) -> None:
    admin.execute("ALTER TABLE integrations.integration_view DISABLE ROW LEVEL SECURITY")
    with acting(filled, "integrations_query", "mine") as mine:
        assert seen_in(mine, "integration_view") == ["mine", "theirs"]


def test_commands_write_nothing_of_another_workspace(filled: str) -> None:
    with acting(filled, "integrations_command", "mine") as mine:
        for statement in FORBIDDEN:
            with pytest.raises(InsufficientPrivilege, match="row-level security"):
                mine.execute(statement)
        for statement in IN_VAIN:
            assert mine.execute(statement).rowcount == 0


def test_who_names_no_workspace_appends_nothing(dsn: str) -> None:
    with (
        acting(dsn, "integrations_command") as nobody,
        pytest.raises(InsufficientPrivilege, match="row-level security"),
    ):
        nobody.execute(APPEND)


async def test_in_a_batch_every_row_goes_to_the_workspace_of_its_write_whatever_it_says(
    dsn: str, write_of: WriteOf, created: IntegrationCreated
) -> None:
    mine = write_of(created, workspace="mine", stream="int_1")
    forged = replace(
        write_of(created, workspace="mine", stream="int_2"),
        rows=write_of(created, workspace="theirs", stream="int_2").rows,
    )
    theirs = write_of(created, workspace="theirs", stream="int_3")
    with acting(dsn, "integrations_command") as batch:
        head = batch.execute(RECORD_SQL, (encode_batch([mine, forged, theirs]),))
        assert head.fetchall() == [(0,)]
        assert seen_in(batch, "events") == []  # the batch has named no workspace
    for workspace, integrations in (("mine", ["int_1", "int_2"]), ("theirs", ["int_3"])):
        with acting(dsn, "integrations_query", workspace) as own:
            assert own.execute(SHOWN).fetchall() == [(workspace, each) for each in integrations]


@pytest.mark.usefixtures("filled")
async def test_what_waits_together_is_answered_each_with_its_own(
    commands: Pool, queries: Pool
) -> None:
    views, log = IntegrationViews(queries), PostgresEventLog(commands)
    rows = await asyncio.gather(
        views.one("mine", "int_0"), views.one("mine", "int_1"), views.one("theirs", "int_1")
    )
    assert [row and row.workspace_id for row in rows] == ["mine", None, "theirs"]
    events = await asyncio.gather(
        log.read("mine", "int_0"), log.read("mine", "int_1"), log.read("theirs", "int_1")
    )
    assert [[event.workspace for event in each] for each in events] == [["mine"], [], ["theirs"]]


@pytest.mark.usefixtures("filled")
async def test_a_snapshot_of_another_workspace_is_not_gone_on_from(
    commands: Pool, dsn: str
) -> None:
    log = PostgresEventLog(commands)
    theirs = await log.load("theirs", "int_1")
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(SNAPSHOT, (SNAPSHOT_FORMATS["integration"], encode_snapshot(theirs)))
    places = [("mine", "int_0"), ("mine", "int_1"), ("theirs", "int_1")]
    mine, none, own = await asyncio.gather(*(log.load(*place) for place in places))
    assert (mine.version, none, own) == (1, StreamState(), theirs)


# ----- Reads within them -----
async def test_a_read_within_sees_one_workspace_and_leaves_no_trace(filled: str) -> None:
    whose = "SELECT DISTINCT workspace_id FROM integrations.integration_view"
    async with open_pool(filled, "integrations_query", size=1) as pool:
        for workspace in ("mine", "theirs"):
            found = await fetch_in_workspace(pool, workspace, whose, (), tuple_row)
            assert found == [(workspace,)]
            async with workspace_connection(pool, workspace) as connection:
                for _ in range(2):
                    assert await (await connection.execute(whose)).fetchall() == [(workspace,)]
        async with pool.connection() as connection:
            assert await (await connection.execute(whose)).fetchall() == []


async def test_after_an_error_within_the_connection_serves_the_next(filled: str) -> None:
    async with open_pool(filled, "integrations_query", size=1) as pool:
        with pytest.raises(InsufficientPrivilege):
            await fetch_in_workspace(pool, "mine", "TABLE integrations.events", (), tuple_row)
        found = await fetch_in_workspace(
            pool, "theirs", "SELECT workspace_id FROM integrations.integration_view", (), tuple_row
        )
        assert found == [("theirs",)]


# ----- Whoever owns the tables -----
async def test_everything_works_under_row_level_security_if_the_owner_is_no_superuser(
    data_dir: Path, write_of: WriteOf, created: IntegrationCreated
) -> None:
    with open_embedded(data_dir, durable=False) as server:
        with psycopg.connect(server.dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE owner CREATEROLE")
            database = Identifier(str(conninfo_to_dict(server.dsn)["dbname"]))
            admin.execute(SQL("GRANT CREATE ON DATABASE {} TO owner").format(database))
        migrate(make_conninfo(server.dsn, options=f"{ROLES_LOG_IN} -c role=owner"))
        async with (
            open_pool(server.dsn, "integrations_command") as commands,
            open_pool(server.dsn, "integrations_query") as queries,
        ):
            log, lists = PostgresEventLog(commands), IntegrationViews(queries)
            first = write_of(created, workspace="mine", stream="int_1")
            assert await log.append(first) == [1]
            assert await log.append(write_of(created, workspace="theirs", stream="int_2")) == [2]
            renamed = write_of(
                IntegrationRenamed(name="New"),
                after=await log.read("mine", "int_1"),
                workspace="mine",
                stream="int_1",
            )
            assert await log.append(renamed) == [3]
            found = await lists.page_after(
                ListFilter(workspace="mine", searches=("new",)), SortOrder(), None, 9
            )
            assert [row.id for row in found.rows] == ["int_1"]
            views = IntegrationViews(queries)
            assert [row.id for row in await views.all("theirs")] == ["int_2"]
            assert await views.one("theirs", "int_1") is None
            assert await delete_expired_responses(commands) == 0
