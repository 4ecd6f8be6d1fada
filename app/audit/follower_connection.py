"""How the follower of the log reaches the database, and lets go of it.

Its connection lasts for weeks, and holds the lock by which no other process follows: lost without a
word it must be missed on both sides, or nothing is signed any more.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from app.database.pools import SERVER_SETTINGS, TimeoutConnection, connection_info

ROLE = "integrations_follower"
RESPONSE_TIMEOUT = 65.0  # seconds that one answer may take: longer than the server's own
# Nobody waits for its statements, which may be large; a lock it awaits only when it stops.
SESSION = {**SERVER_SETTINGS, "role": ROLE, "statement_timeout": "60s", "lock_timeout": "0"}


class SlowQueryConnection(TimeoutConnection):
    """A connection that is given up as those of requests are, only later."""

    response_timeout = RESPONSE_TIMEOUT


@asynccontextmanager
async def follower_session(dsn: str) -> AsyncGenerator[AsyncConnection]:
    """Yield an autocommitting connection that acts as the role that follows the log."""
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    conninfo = connection_info(dsn, ROLE, options=options)
    async with await SlowQueryConnection.connect(conninfo, autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def cancel_after(stopping: asyncio.Event, seconds: float) -> AsyncGenerator[None]:
    """Let the block go on for *seconds* once *stopping* is set; raise TimeoutError then."""

    async def end() -> None:
        await stopping.wait()
        limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async with asyncio.timeout(None) as limit:
        ending = asyncio.create_task(end())
        try:
            yield
        finally:
            ending.cancel()
