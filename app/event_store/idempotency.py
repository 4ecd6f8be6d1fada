"""Housekeeping of stored responses: deletes what has expired, and knows who stores too many."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from app.database.availability import UnavailableError, translate_unavailable
from app.database.pools import Pool

CLEANUP_INTERVAL = 60.0  # seconds
BATCH_SIZE = 1_000  # rows of one statement, so that no delete is a long one
MAX_RESPONSES = 100_000  # of a workspace in 24 h
GAUGES_TIMEOUT = 1.0  # seconds; a scraper waits for little more
DELETE_EXPIRED_SQL = "SELECT integrations.delete_expired_responses(%s)"
OVER_QUOTA_SQL = "SELECT integrations.workspaces_over_quota(%s)"
OVERDUE_SQL = "SELECT amount, seconds FROM integrations.overdue_responses()"


class StoredResponses:
    """The stored responses of all workspaces, cleaned up from time to time by `run`.

    `over_quota` are the workspaces that have more than MAX_RESPONSES, counted every minute: to
    count at each request would take longer than to execute it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.over_quota: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Clean up and count, until cancelled; a database that is away is tried again."""
        while True:
            await asyncio.sleep(CLEANUP_INTERVAL)
            with suppress(UnavailableError):
                await delete_expired_responses(self._pool)
                await self.count()

    async def count(self) -> None:
        """Look which workspaces have too many; raise UnavailableError."""
        with translate_unavailable():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(OVER_QUOTA_SQL, (MAX_RESPONSES,))
                self.over_quota = frozenset(name for (name,) in await cursor.fetchall())


async def overdue_gauges(pool: Pool) -> Mapping[str, float]:
    """Return the gauges of responses that should be gone; none if the database is away."""
    try:
        with translate_unavailable():
            async with asyncio.timeout(GAUGES_TIMEOUT), pool.connection() as connection:
                cursor = await connection.execute(OVERDUE_SQL)
                [(amount, seconds)] = await cursor.fetchall()
    except (UnavailableError, TimeoutError):
        return {}
    return {
        "integrations_overdue_responses": amount,
        "integrations_overdue_response_age_seconds": seconds,
    }


async def delete_expired_responses(pool: Pool) -> int:
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


async def delete_batch(pool: Pool) -> int:
    """Delete a bounded number of expired responses; return how many; raise UnavailableError."""
    with translate_unavailable():
        async with pool.connection() as connection:
            cursor = await connection.execute(DELETE_EXPIRED_SQL, (BATCH_SIZE,))
            [(amount,)] = await cursor.fetchall()
            return amount
