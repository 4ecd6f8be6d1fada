"""The follower's connections to the database, and how they end.

Its connection lasts for weeks, and holds the lock by which no other process follows: both sides
must notice a silent loss, or nothing is signed any more.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from app.database.connection import acting_as
from app.database.pools import SERVER_SETTINGS, TimeoutConnection, connection_info

ROLE = "integrations_follower"
RESPONSE_TIMEOUT = 65.0  # seconds that one response may take: longer than the server's own
# Nobody waits for its statements, which may be large; a lock it awaits only when it stops.
SESSION = {**SERVER_SETTINGS, "statement_timeout": "60s", "lock_timeout": "0"}


class SlowQueryConnection(TimeoutConnection):
    """A connection that is given up as those of requests are, only later."""

    response_timeout = RESPONSE_TIMEOUT


@asynccontextmanager
async def follower_session(dsn: str) -> AsyncGenerator[AsyncConnection]:
    """Yield an autocommitting connection that acts as the role that follows the log."""
    conninfo = connection_info(acting_as(dsn, ROLE, **SESSION))
    async with await SlowQueryConnection.connect(conninfo, autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def cancel_after(stopping: asyncio.Event, seconds: float) -> AsyncGenerator[None]:
    """Let the block continue for *seconds* once *stopping* is set; raise TimeoutError then."""

    async def end() -> None:
        await stopping.wait()
        limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async with asyncio.timeout(None) as limit:
        ending = asyncio.create_task(end())
        try:
            yield
        finally:
            ending.cancel()
