"""Waits for what happens elsewhere, however busy the machine is."""

import asyncio
import os
import time
from collections.abc import Callable

from psycopg import Connection
from psycopg.rows import TupleRow

PATIENCE = 60.0  # seconds
LOCK_WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds; fail after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds while the event loop goes on; fail after PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 — what is waited for calls nobody
            await asyncio.sleep(0.02)


def busyness() -> float:
    """Return how many times more this machine has to do than it can, at least 1.

    This is the average of a minute, so what is suddenly slow needs another try as well.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def lock_waits(connection: Connection[TupleRow]) -> int:
    """Return how many sessions wait for a lock in the database of *connection*."""
    connection.execute("SELECT pg_stat_clear_snapshot()")  # kept for a transaction
    [(amount,)] = connection.execute(LOCK_WAITS).fetchall()
    return amount
