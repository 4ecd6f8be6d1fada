"""One look for all who ask: what needs no token must not take what tenants share."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

Seen = TypeVar("Seen")

INTERVAL = 1.0  # seconds between two looks


class SharedLook(Generic[Seen]):
    """Calls *look* at most once in *interval* seconds; everybody who asks gets what it returns.

    Who asks while it runs waits for it, and somebody who stops waiting does not stop it for the
    others. An error counts as a result: a database that is away is not asked more often.
    """

    def __init__(self, look: Callable[[], Awaitable[Seen]], interval: float = INTERVAL) -> None:
        self._look = look
        self._interval = interval
        self._started = 0.0
        self._task: asyncio.Task[Seen] | None = None

    async def __call__(self) -> Seen:
        """Return what the newest look returned, or raise what it raised."""
        if self._task is None or (self._task.done() and self._is_old()):
            self._started = time.monotonic()
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(read_error)
        return await asyncio.shield(self._task)

    def _is_old(self) -> bool:
        return time.monotonic() - self._started >= self._interval

    async def _run(self) -> Seen:
        return await self._look()


def read_error(task: asyncio.Task[Seen]) -> None:
    """Read the error of *task*, which asyncio reports if all who asked have left."""
    with suppress(asyncio.CancelledError):
        task.exception()
