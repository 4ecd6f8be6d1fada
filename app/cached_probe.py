"""A probe whose newest result serves everybody who asks, so that asking costs others nothing.

Health and metrics need no token, and must not take what tenants share.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

INTERVAL = 1.0  # seconds between two probes


class CachedProbe(Generic[Result]):
    """Calls *probe* at most once in *interval* seconds; all callers get its newest result.

    A caller that comes while it runs waits for it, and one that stops waiting does not stop it for
    the others. An error counts as a result: a database that is away is not asked more often.
    """

    def __init__(
        self, probe: Callable[[], Coroutine[Any, Any, Result]], interval: float = INTERVAL
    ) -> None:
        self._probe = probe
        self._interval = interval
        self._started = 0.0
        self._task: asyncio.Task[Result] | None = None

    async def __call__(self) -> Result:
        """Return what the newest probe returned, or raise what it raised."""
        if self._task is None or (self._task.done() and self._is_old()):
            self._started = time.monotonic()
            self._task = asyncio.create_task(self._probe())
            self._task.add_done_callback(read_error)
        return await asyncio.shield(self._task)

    def _is_old(self) -> bool:
        return time.monotonic() - self._started >= self._interval


def read_error(task: asyncio.Task[Result]) -> None:
    """Read the error of *task*, which asyncio logs if no caller waits for it any more."""
    with suppress(asyncio.CancelledError):
        task.exception()
