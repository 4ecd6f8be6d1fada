"""Commits that no standby is known to have: nobody is told that they succeeded."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator

import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

import app.event_store.postgres
from app.database.availability import UnavailableError
from app.database.pools import Pool, open_pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset, StoredResponse
from app.event_store.replication import confirm_replicated
from domain.integration import IntegrationCreated

WriteOf = Callable[..., Changeset]
ANSWER = StoredResponse("key-1", b"print", 201, {}, b"{}")
CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE wait_event = 'SyncRep' AND datname = current_database()
"""


@pytest.fixture
def lonely_dsn(dsn: str, admin: Connection[TupleRow]) -> Generator[str]:
    """A server that waits for a standby which is not there."""
    name = SQL("ALTER DATABASE {} SET synchronous_commit = on")  # tests run without
    admin.execute(name.format(Identifier(admin.info.dbname)))
    admin.execute("SET synchronous_commit = off")
    set_standbys(admin, "standby_1")
    yield dsn
    set_standbys(admin, "")


@pytest.fixture
async def log(lonely_dsn: str) -> AsyncGenerator[PostgresEventLog]:
    """The log of that server."""
    async with open_pool(lonely_dsn, "integrations_command") as pool:
        yield PostgresEventLog(pool)


def set_standbys(admin: Connection[TupleRow], names: str) -> None:
    """Have the server wait for the standbys *names*."""
    admin.execute(SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(names))
    admin.execute("SELECT pg_reload_conf()")


async def cut_short(admin: Connection[TupleRow]) -> None:
    """Cancel, from another session, the next wait for a standby."""
    async with asyncio.timeout(60):
        while not admin.execute(CANCEL).fetchall():  # noqa: ASYNC110 — the event is in the database
            await asyncio.sleep(0.01)


def events(admin: Connection[TupleRow]) -> int:
    """Return how many events there are."""
    [(amount,)] = admin.execute("SELECT count(*) FROM integrations.events").fetchall()
    return amount


async def test_an_append_whose_wait_for_the_standby_is_cut_short_is_unavailable(
    log: PostgresEventLog,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
) -> None:
    appending = asyncio.create_task(log.append(write_of(created)))
    await cut_short(admin)
    with pytest.raises(UnavailableError):
        await appending
    assert events(admin) == 1  # it is here; it may be lost with this server


async def test_an_append_that_no_standby_confirms_is_unavailable_in_time_and_not_seen(
    log: PostgresEventLog,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.event_store.postgres, "COMMIT_TIMEOUT", 0.3)
    for _ in range(2):  # the second waits for the lock that the first one's commit holds
        with pytest.raises(UnavailableError):
            await log.append(write_of(created))
    assert events(admin) == 0
    monkeypatch.undo()
    set_standbys(admin, "")
    assert await log.append(write_of(created, stream="int_2")) == [2]


async def test_a_kept_answer_is_given_again_only_once_it_is_confirmed(
    log: PostgresEventLog,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appending = asyncio.create_task(log.append(replace(write_of(created), response=ANSWER)))
    await cut_short(admin)
    with pytest.raises(UnavailableError):
        await appending
    monkeypatch.setattr(app.event_store.postgres, "COMMIT_TIMEOUT", 0.3)
    with pytest.raises(UnavailableError):
        await log.stored_response("demo", "key-1")
    assert await log.stored_response("demo", "key-2") is None
    monkeypatch.undo()
    set_standbys(admin, "")
    assert await log.stored_response("demo", "key-1") == ANSWER


async def test_confirming_waits_for_the_standby(
    log: PostgresEventLog, admin: Connection[TupleRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    confirming = asyncio.create_task(log.confirm())
    await cut_short(admin)
    with pytest.raises(UnavailableError):
        await confirming
    monkeypatch.setattr(app.event_store.postgres, "COMMIT_TIMEOUT", 0.3)
    with pytest.raises(UnavailableError):
        await log.confirm()
    assert admin.execute(CANCEL).fetchall() == []  # nobody goes on waiting
    monkeypatch.undo()
    set_standbys(admin, "")
    await log.confirm()


async def test_where_no_standby_is_waited_for_confirming_writes_nothing(commands: Pool) -> None:
    async with commands.connection() as connection, connection.transaction():
        await confirm_replicated(connection)
        cursor = await connection.execute("SELECT pg_current_xact_id_if_assigned()")
        assert await cursor.fetchall() == [(None,)]


async def test_a_connection_to_a_primary_that_is_none_any_more_is_replaced(
    dsn: str, write_of: WriteOf, created: IntegrationCreated
) -> None:
    async with open_pool(dsn, "integrations_command", size=1) as pool:
        async with pool.connection() as connection:
            await connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(UnavailableError):
            await PostgresEventLog(pool).append(write_of(created))
        assert await PostgresEventLog(pool).append(write_of(created)) == [1]
