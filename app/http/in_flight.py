"""Requests under one idempotency key go one after the other, so that repeats find an answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.log.event_log import StillRunningError

PATIENCE = 2.0  # seconds that a repeat waits for the first request's answer
Key = tuple[str, str]  # workspace, idempotency key


class InFlight:
    """The idempotency keys under which this process is executing a request.

    What other processes execute is seen when it is committed: the log refuses a second answer.
    """

    def __init__(self) -> None:
        self._locks: dict[Key, asyncio.Lock] = {}
        self._users: dict[Key, int] = {}

    @asynccontextmanager
    async def alone(self, key: Key) -> AsyncGenerator[None]:
        """Run the block while nobody else runs one under *key*.

        Raises:
            StillRunningError: somebody does, and did not end within the patience.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            await acquire(lock)
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(key)

    def _leave(self, key: Key) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._locks[key]


async def acquire(lock: asyncio.Lock) -> None:
    """Acquire *lock*; raise StillRunningError where that takes too long."""
    try:
        await asyncio.wait_for(lock.acquire(), PATIENCE)
    except TimeoutError:
        raise StillRunningError from None
