"""Takes turns: what is done under one key is done one after the other, first come first served."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager


class LockTimeoutError(Exception):
    """The turn did not come in time; nothing was done."""


class KeyedLock:
    """A queue a key, in this process; a key that nobody uses takes no memory."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, asyncio.Lock] = {}
        self._users: dict[Hashable, int] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable, patience: float | None = None) -> AsyncGenerator[None]:
        """Run the block while nobody else runs one under *key*.

        Raises:
            LockTimeoutError: the turn did not come within *patience* seconds.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            await acquire_within(lock, patience)
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(key)

    def _leave(self, key: Hashable) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._locks[key]


async def acquire_within(lock: asyncio.Lock, patience: float | None) -> None:
    """Acquire *lock*; raise LockTimeoutError where that takes too long."""
    try:
        await asyncio.wait_for(lock.acquire(), patience)
    except TimeoutError:
        raise LockTimeoutError from None
