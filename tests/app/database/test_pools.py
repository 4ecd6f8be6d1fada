"""Pools after a connection was lost, and while the database is away."""

import asyncio
import time
from typing import cast

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier, Literal
from psycopg_pool import PoolTimeout

from app.database import pools
from app.database.pools import (
    ACQUIRE_TIMEOUT,
    ACQUIRE_TIMEOUT_WHILE_DOWN,
    CANCEL_TIMEOUT,
    SelfHealingPool,
    open_pool,
)
from tests.reliability.proxy import Proxy

ROLE = "integrations_query"
END_ALL = """
SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database()
"""


async def ask(pool: SelfHealingPool) -> int:
    """Ask something; return 1 where it failed because the connection was lost, else 0."""
    try:
        async with pool.connection() as connection:
            await connection.execute("SELECT pg_sleep(0.02)")
    except psycopg.OperationalError:
        return 1
    return 0


def end_all_connections(dsn: str) -> None:
    """End every connection of the pool from outside, as a restart of the server would."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(END_ALL, (ROLE,))


def is_closed(connection: psycopg.AsyncConnection) -> bool:
    """Return what is known of *connection* if no packet tells of its end."""
    return connection.closed


async def test_what_the_server_has_closed_is_replaced_before_a_request_gets_it(dsn: str) -> None:
    async with open_pool(dsn, ROLE) as pool:
        await asyncio.gather(*(ask(pool) for _ in range(8)))  # eight connections are open
        end_all_connections(dsn)
        assert await asyncio.gather(*(ask(pool) for _ in range(8))) == [0] * 8


async def test_after_a_loss_that_nobody_told_us_of_all_connections_are_replaced(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_pool(dsn, ROLE) as pool:
        await asyncio.gather(*(ask(pool) for _ in range(8)))
        end_all_connections(dsn)
        monkeypatch.setattr(pools, "is_closed_by_server", is_closed)
        assert [await ask(pool) for _ in range(8)] == [1, 0, 0, 0, 0, 0, 0, 0]


async def test_a_connection_lost_in_use_does_not_take_younger_ones_along(dsn: str) -> None:
    async with open_pool(dsn, ROLE, size=2) as pool:
        first, second = await pool.getconn(), await pool.getconn()
        end_all_connections(dsn)
        for lost in (first, second):
            with pytest.raises(psycopg.OperationalError):
                await lost.execute("SELECT 1")
        await pool.putconn(first)
        young = await pool.getconn()
        await pool.putconn(young)
        await pool.putconn(second)
        assert not young.closed


async def test_while_the_database_is_away_waiting_is_brief() -> None:
    async with open_pool("host=/nowhere", ROLE) as pool:
        with pytest.raises(PoolTimeout):
            await pool.getconn(timeout=1.0)
        began = time.monotonic()
        with pytest.raises(PoolTimeout):
            await pool.getconn()
        assert time.monotonic() - began < ACQUIRE_TIMEOUT - ACQUIRE_TIMEOUT_WHILE_DOWN


async def test_who_waits_is_served_soon_after_the_database_is_back(dsn: str) -> None:
    async with open_pool(make_conninfo(dsn, host="/nowhere"), ROLE) as pool:
        waiting = asyncio.create_task(pool.getconn(timeout=60.0))
        await asyncio.sleep(3.5)  # the library alone would make its next attempt after 3.5 s more
        pool.conninfo = make_conninfo(dsn, options=f"-c role={ROLE}")
        began = time.monotonic()
        await pool.putconn(await waiting)
        assert time.monotonic() - began < 2.5


async def test_no_server_that_takes_no_writes_is_connected_to(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        name = SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        admin.execute(name.format(Identifier(admin.info.dbname), Literal("on")))
        async with open_pool(dsn, ROLE) as pool:
            with pytest.raises(PoolTimeout):
                await pool.getconn(timeout=1.0)
            admin.execute(name.format(Identifier(admin.info.dbname), Literal("off")))
            await pool.putconn(await pool.getconn(timeout=60.0))


async def test_an_answer_that_does_not_come_is_given_up_and_the_connection_replaced(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools.TimeoutConnection, "response_timeout", 0.3)
    async with open_pool(dsn, ROLE) as pool:
        began = time.monotonic()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            async with pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(60)")
        assert time.monotonic() - began < 30
        monkeypatch.undo()
        assert await ask(pool) == 0


async def test_who_gives_up_across_a_stalled_way_is_free_as_soon_as_the_server_had_time_to_hear_it(
    dsn: str,
) -> None:
    proxy = Proxy()
    with proxy.open(dsn) as way:
        async with open_pool(way, ROLE) as pool:
            await ask(pool)
            proxy.stalled = True
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2), pool.connection() as connection:
                    await connection.execute("SELECT 1")
            assert time.monotonic() - began < 0.2 + CANCEL_TIMEOUT + 6  # the library alone: 10 s
            proxy.stalled = False
            assert await ask(pool) == 0


async def test_who_gives_up_while_the_server_hears_it_keeps_the_connection(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "CANCEL_TIMEOUT", 60.0)  # however long it takes to hear it
    async with open_pool(dsn, ROLE, size=1) as pool:
        async with pool.connection() as connection:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await connection.execute("SELECT pg_sleep(30)")
            assert not connection.closed
        assert await ask(pool) == 0


async def test_time_outs_of_network_and_server_are_set_unless_the_address_sets_them(
    dsn: str,
) -> None:
    async with open_pool(make_conninfo(dsn, connect_timeout=9), ROLE) as pool:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
            )
            assert await cursor.fetchone() == ("5s", "2s")
        set_ = conninfo_to_dict(str(pool.conninfo))
        assert (set_["connect_timeout"], set_["tcp_user_timeout"]) == ("9", "5000")


async def test_the_server_checks_too_whether_a_silent_session_has_a_client(dsn: str) -> None:
    asked = """
    SELECT name, reset_val FROM pg_settings WHERE name LIKE 'tcp_%' ORDER BY name
    """  # reset_val, as nothing holds on the Unix socket that these tests go through
    async with open_pool(dsn, ROLE) as pool, pool.connection() as connection:
        cursor = await connection.execute(asked)
        assert await cursor.fetchall() == [
            ("tcp_keepalives_count", "3"),
            ("tcp_keepalives_idle", "5"),
            ("tcp_keepalives_interval", "2"),
            ("tcp_user_timeout", "5000"),
        ]


async def test_behind_a_pooler_that_gives_another_role_nobody_is_served(dsn: str) -> None:
    async with open_pool(dsn, ROLE) as pool, pool.connection() as connection:
        await pools.require_role(connection, ROLE)
        with pytest.raises(pools.WrongRoleError, match="integrations_command"):
            await pools.require_role(connection, "integrations_command")


async def test_behind_a_pooler_the_database_is_named_like_the_role_and_nothing_is_prepared(
    dsn: str,
) -> None:
    async with open_pool(dsn, ROLE, pooler="host=/nowhere user=integrations_pooler") as pool:
        asked = conninfo_to_dict(str(pool.conninfo))
        assert (asked["dbname"], asked.get("options")) == (ROLE, None)
        assert cast("dict[str, object]", pool.kwargs)["prepare_threshold"] is None
