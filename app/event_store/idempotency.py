"""Housekeeping: deletes expired responses to repeated requests."""

import asyncio
from contextlib import suppress

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.database.availability import UnavailableError, translate_unavailable

CLEANUP_INTERVAL = 60.0  # seconds
BATCH_SIZE = 1_000  # rows of one statement, so that no delete is a long one
DELETE_EXPIRED = "SELECT integrations.delete_expired_responses(%s)"


async def run_housekeeping(pool: AsyncConnectionPool[AsyncConnection]) -> None:
    """Clean up from time to time, until cancelled; a database that is away is tried again."""
    while True:
        await asyncio.sleep(CLEANUP_INTERVAL)
        with suppress(UnavailableError):
            await delete_expired_responses(pool)


async def delete_expired_responses(pool: AsyncConnectionPool[AsyncConnection]) -> int:
    """Delete all stored responses that are older than 24 h, in short statements; return how many.

    Raises:
        UnavailableError: the database is away or busy.
    """
    total = 0
    while deleted := await delete_batch(pool):
        total += deleted
        if deleted < BATCH_SIZE:
            break
    return total


async def delete_batch(pool: AsyncConnectionPool[AsyncConnection]) -> int:
    """Delete a bounded number of expired responses; return how many; raise UnavailableError."""
    with translate_unavailable():
        async with pool.connection() as connection:
            cursor = await connection.execute(DELETE_EXPIRED, (BATCH_SIZE,))
            [(amount,)] = await cursor.fetchall()
            return amount
