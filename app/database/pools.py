"""Pools of connections, one a role, so that waiting writes never hold up reads.

A connection that the server has closed is replaced before a request gets it: one look at its
socket, which costs no round trip. A network that has failed silently is noticed by the request that
uses the connection, which gets 503. It must be the only one: what broke one connection has broken
the others, so all of them are replaced at once.
"""

import select
from typing import TypeVar
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.abc import PQGen
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

from app.database.connection import acting_as, require_primary, role_name, with_network_timeouts

Pool = AsyncConnectionPool[AsyncConnection]
Result = TypeVar("Result")

POOL_SIZE = 8  # connections a role and worker, unless said otherwise
MAX_WAITING = 1_000  # requests that may wait for one; more get 503 at once
ACQUIRE_TIMEOUT = 5.0  # seconds that a request waits for one
ACQUIRE_TIMEOUT_WHILE_DOWN = 0.5  # seconds that it waits while the database is known to be away
RECONNECT_INTERVAL = 0.25  # seconds between two attempts to reach the database while somebody waits
RESPONSE_TIMEOUT = 6.0  # seconds that one response may take: longer than the server's own time-outs
CANCEL_TIMEOUT = 1.0  # seconds that the server may take to confirm a cancellation
# The server gives up before we do, so that a lost response is not a statement that still runs; and
# what locks a table (an ALTER, a VACUUM FULL) makes a request fail as fast as a held append lock.
SERVER_SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    # What we have given up across such a network the server never hears of; it must probe, too, or
    # these sessions stay for hours (the default of most systems) and take the places of new ones.
    "tcp_user_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


class TimeoutConnection(AsyncConnection):
    """A connection that is closed when a response takes too long.

    A server that is stopped and a proxy that stalls acknowledge every packet: no time-out of TCP
    sees them, and the server's own do not run.
    """

    response_timeout = RESPONSE_TIMEOUT

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 — the library's
    ) -> Result:
        """Return what *gen* does; raise ConnectionTimeout, and close, if that takes too long."""
        try:
            return await super().wait(
                gen, interval, self.response_timeout if timeout is None else timeout
            )
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 — no public name  # pyright: ignore[reportPrivateUsage]
            self.pgconn.finish()
            raise psycopg.errors.ConnectionTimeout from None

    async def cancel_safe(self, *, timeout: float = CANCEL_TIMEOUT) -> None:  # noqa: ASYNC109 — the library's
        """Cancel what runs, and close the connection if the server does not confirm it in time.

        The library does so when the waiting caller is cancelled, with a longer time-out.
        """
        try:
            await super().cancel_safe(timeout=min(timeout, CANCEL_TIMEOUT))
        except psycopg.errors.CancellationTimeout:
            self.pgconn.finish()
            raise


class SyncTimeoutConnection(Connection[DictRow]):
    """The same for a thread."""

    response_timeout = RESPONSE_TIMEOUT

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Return what *gen* does; raise ConnectionTimeout, and close, if that takes too long."""
        try:
            return super().wait(
                gen, interval, self.response_timeout if timeout is None else timeout
            )
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 — no public name  # pyright: ignore[reportPrivateUsage]
            self.pgconn.finish()
            raise psycopg.errors.ConnectionTimeout from None


class SelfHealingPool(Pool):
    """A pool that replaces all of its connections when one is lost, and is back with the database.

    The library alone would try again after 1 s, 2 s, 4 s and so on, and so come back long after
    the database; here an attempt is as young as the request that waits for it.
    """

    def __init__(
        self, conninfo: str, name: str, size: int, *, pooled_as: str | None = None
    ) -> None:
        self._pooled_as = pooled_as
        self._current: WeakSet[AsyncConnection] = WeakSet()
        self._away = False
        super().__init__(
            conninfo,
            connection_class=TimeoutConnection,
            kwargs={"autocommit": True, "prepare_threshold": 0 if pooled_as is None else None},
            min_size=1,
            max_size=size,
            max_waiting=MAX_WAITING,
            timeout=ACQUIRE_TIMEOUT,
            reconnect_timeout=RECONNECT_INTERVAL,
            configure=self._configure,
            reconnect_failed=self._failed,
            open=False,
            name=name,
        )

    async def getconn(self, timeout: float | None = None) -> AsyncConnection:  # noqa: ASYNC109 — the library's
        """Return a connection; wait only briefly while there is no database to connect to."""
        while True:
            conn = await super().getconn(
                ACQUIRE_TIMEOUT_WHILE_DOWN if self._away and timeout is None else timeout
            )
            if not is_closed_by_server(conn):
                return conn
            await conn.close()
            await self.putconn(conn)

    async def putconn(self, conn: AsyncConnection) -> None:
        """Take *conn* back; if it was lost, replace all that are as old."""
        lost = conn.closed and conn in self._current
        await super().putconn(conn)
        if lost:
            self._current.clear()
            await self.drain()

    async def _configure(self, conn: AsyncConnection) -> None:
        if self._pooled_as is not None:
            await require_role(conn, self._pooled_as)
        self._current.add(conn)
        self._away = False

    async def _failed(self, _: Pool) -> None:
        stats = self.get_stats()
        self._away = stats["pool_size"] == 0
        if stats.get("requests_waiting"):
            await self.check()  # lets an empty pool grow: the next attempt


def is_closed_by_server(conn: AsyncConnection) -> bool:
    """Return whether the server has ended *conn*, which is idle: it says nothing else then.

    It may also say that a setting was changed; to replace the connection does no harm.
    """
    if conn.closed:
        return True
    socket = select.poll()
    socket.register(conn.pgconn.socket, select.POLLIN)
    return bool(socket.poll(0))


class WrongRoleError(Exception):
    """A pooler gives connections of another role than the requested one."""


async def require_role(connection: AsyncConnection, role: str) -> None:
    """Raise WrongRoleError unless *connection* acts as *role*, whose rows are restricted."""
    row = await (await connection.execute("SELECT current_user")).fetchone()
    if row != (role,):
        message = f"The pooler's database {role} does not act as that role: see docs/postgresql.md."
        raise WrongRoleError(message)


def open_pool(
    dsn: str, role: str, *, size: int = POOL_SIZE, pooler: str | None = None
) -> SelfHealingPool:
    """Return a pool, not yet open, of autocommitting connections that act as *role*.

    Times come in UTC, wherever the server thinks it is.
    Statements are prepared at first use: planning them each time doubles the database's work.

    A *pooler* in transaction mode gives each statement another session: nothing can be prepared,
    and what a session is set to is set by the pooler, in its database that has the role's name.
    """
    if pooler is not None:
        name = role_name(dsn, role)
        conninfo = connection_info(pooler, dbname=name, application_name=role)
        return SelfHealingPool(conninfo, role, size, pooled_as=name)
    conninfo = connection_info(acting_as(dsn, role, timezone="UTC", **SERVER_SETTINGS))
    return SelfHealingPool(conninfo, role, size)


def connection_info(dsn: str, **more: str) -> str:
    """Return how to reach *dsn*, with *more*, within the time-outs of the network."""
    return require_primary(with_network_timeouts(dsn), **more)
