"""A lock for each key: blocks that hold the same key take turns, in order."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager


class LockTimeoutError(Exception):
    """The lock was not free in time; nothing was done."""


class KeyedLock:
    """A lock for each key, within this process; a key that nobody uses takes no memory.

    *limit* blocks may hold a key at once.
    """

    def __init__(self, limit: int = 1) -> None:
        self._limit = limit
        self._locks: dict[Hashable, asyncio.Semaphore] = {}
        self._users: dict[Hashable, int] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable, max_wait: float | None = None) -> AsyncGenerator[None]:
        """Run the block while no other block, or not too many, holds *key*.

        Raises:
            LockTimeoutError: the lock was not free within *max_wait* seconds.
        """
        lock = self._locks.setdefault(key, asyncio.Semaphore(self._limit))
        self._users[key] = self._users.get(key, 0) + 1
        try:
            await acquire_within(lock, max_wait)
            try:
                yield
            finally:
                lock.release()
        finally:
            self._release(key)

    def _release(self, key: Hashable) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._locks[key]


async def acquire_within(lock: asyncio.Semaphore, max_wait: float | None) -> None:
    """Acquire *lock*; raise LockTimeoutError if that takes too long."""
    try:
        await asyncio.wait_for(lock.acquire(), max_wait)
    except TimeoutError:
        raise LockTimeoutError from None
