"""Pools of connections, one a role, so that waiting writes never hold up reads.

What is lost is found out by the request that uses it, which is answered 503. It must be the last
one: whatever broke one connection has broken its neighbours, so all of them are replaced at once.
"""

from weakref import WeakSet

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.database.primary import of_primary

SIZE = 8  # connections a role and worker, unless said otherwise
QUEUE = 1_000  # requests that may wait for one; more are answered 503 at once
PATIENCE = 5.0  # seconds that a request waits for one
BRIEF = 0.5  # seconds that it waits while the database is known to be away
RETRY = 0.25  # seconds between two attempts to reach the database while somebody waits


class RenewingPool(AsyncConnectionPool[AsyncConnection]):
    """A pool that replaces all of its connections when one is lost, and is back with the database.

    The library alone would try again after 1 s, 2 s, 4 s and so on, and so come back long after
    the database; here an attempt is as young as the request that waits for it.
    """

    def __init__(self, conninfo: str, name: str, size: int) -> None:
        self._current: WeakSet[AsyncConnection] = WeakSet()
        self._away = False
        super().__init__(
            conninfo,
            kwargs={"autocommit": True, "prepare_threshold": 0},
            min_size=1,
            max_size=size,
            max_waiting=QUEUE,
            timeout=PATIENCE,
            reconnect_timeout=RETRY,
            configure=self._opened,
            reconnect_failed=self._failed,
            open=False,
            name=name,
        )

    async def getconn(self, timeout: float | None = None) -> AsyncConnection:  # noqa: ASYNC109 — the library's
        """Return a connection; wait only briefly while there is no database to connect to."""
        return await super().getconn(BRIEF if self._away and timeout is None else timeout)

    async def putconn(self, conn: AsyncConnection) -> None:
        """Take *conn* back; where it was lost, replace all that are as old."""
        lost = conn.closed and conn in self._current
        await super().putconn(conn)
        if lost:
            self._current.clear()
            await self.drain()

    async def _opened(self, conn: AsyncConnection) -> None:
        self._current.add(conn)
        self._away = False

    async def _failed(self, _: AsyncConnectionPool[AsyncConnection]) -> None:
        stats = self.get_stats()
        self._away = stats["pool_size"] == 0
        if stats.get("requests_waiting"):
            await self.check()  # lets an empty pool grow: the next attempt


def open_pool(dsn: str, role: str, *, size: int = SIZE) -> RenewingPool:
    """Return a pool, not yet open, of autocommitting connections that act as *role*.

    Times come in UTC, wherever the server thinks it is.
    Statements are prepared at first use: planning them anew doubles the database's work.
    """
    conninfo = of_primary(dsn, options=f"-c role={role} -c timezone=UTC", application_name=role)
    return RenewingPool(conninfo, role, size)
