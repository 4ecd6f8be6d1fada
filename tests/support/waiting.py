"""Waits for what happens elsewhere, however busy the machine is."""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow

TIMEOUT = 60.0  # seconds
Seen = TypeVar("Seen")
LOCK_WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def wait_until(condition: Callable[[], Seen], seconds: float = TIMEOUT) -> Seen:
    """Wait until *condition* holds, and return what it returned; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return seen


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds while the event loop continues; fail after TIMEOUT."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110 — what is waited for calls nobody
            await asyncio.sleep(0.02)


def is_listening(port: int) -> bool:
    """Return whether a process of this machine listens on *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
