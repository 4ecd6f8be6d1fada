"""What is done now and then beside serving: expired answers to repeated requests are let go."""

import asyncio
from contextlib import suppress

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.log.event_log import UnavailableError
from app.log.postgres import unavailable_for_failures

EVERY = 60.0  # seconds
AT_ONCE = 1_000  # rows; what is more waits for the next time, so that no delete is a long one
FORGET = "SELECT integrations.forget_answers(%s)"


async def keep_house(pool: AsyncConnectionPool[AsyncConnection]) -> None:
    """Clean up from time to time, until cancelled; a database that is away is tried again."""
    while True:
        await asyncio.sleep(EVERY)
        with suppress(UnavailableError):
            await forget_answers(pool)


async def forget_answers(pool: AsyncConnectionPool[AsyncConnection]) -> int:
    """Delete answers that are older than 24 h, a bounded number; return how many.

    Raises:
        UnavailableError: the database is away or busy.
    """
    with unavailable_for_failures():
        async with pool.connection() as connection:
            cursor = await connection.execute(FORGET, (AT_ONCE,))
            [(amount,)] = await cursor.fetchall()
            return amount
