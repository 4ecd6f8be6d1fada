"""Checks under way: requests for the same credentials share one, and a workspace has a limit.

Within one process: several workers divide the limits, and do not share checks.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Generator, Hashable
from contextlib import contextmanager
from math import ceil
from typing import Generic, TypeVar

from app.rate_limit import RateLimitExceededError

MAX_CONCURRENT = 4  # checks of a workspace
MAX_A_MINUTE = 60  # checks of a workspace
MINUTE = 60.0  # seconds


class CheckLimits:
    """Limits the checks of each workspace; each of *workers* processes has its part.

    *clock* counts seconds and never goes back.
    """

    def __init__(self, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_concurrent = max(1, MAX_CONCURRENT // workers)
        self._max_a_minute = max(1, MAX_A_MINUTE // workers)
        self._clock = clock
        self._running: Counter[str] = Counter()
        self._starts: OrderedDict[str, deque[float]] = OrderedDict()  # of the last minute

    @contextmanager
    def take(self, workspace: str) -> Generator[None]:
        """Run the block as one check of *workspace*.

        Raises:
            RateLimitExceededError: too many run, or ran within a minute; the block does not run.
        """
        starts = self._recent_starts(workspace)
        if len(starts) >= self._max_a_minute:
            raise RateLimitExceededError(max(1, ceil(starts[0] + MINUTE - self._clock())))
        if self._running[workspace] >= self._max_concurrent:
            raise RateLimitExceededError(1)
        starts.append(self._clock())
        self._running[workspace] += 1
        try:
            yield
        finally:
            self._running[workspace] -= 1
            if not self._running[workspace]:
                del self._running[workspace]

    def _recent_starts(self, workspace: str) -> deque[float]:
        """Return when checks of *workspace* began in the last minute; forget all that is older."""
        starts = self._starts.setdefault(workspace, deque())
        self._starts.move_to_end(workspace)
        begin = self._clock() - MINUTE
        while starts and starts[0] <= begin:
            starts.popleft()
        for other, others in list(self._starts.items()):
            if other == workspace or (others and others[-1] > begin):
                break
            del self._starts[other]
        return starts


T = TypeVar("T")


class SharedChecks(Generic[T]):
    """Runs checks, each for all who ask for the same while it runs."""

    def __init__(self, limits: CheckLimits) -> None:
        self._limits = limits
        self._running: dict[Hashable, asyncio.Task[T]] = {}

    async def run(
        self, workspace: str, key: Hashable, check: Callable[[], Awaitable[T]]
    ) -> tuple[T, bool]:
        """Return what *check* returns, or the one with that *key* of *workspace* that runs.

        The second is whether it is this request's own. A request that is cancelled does not
        cancel the check, which others may wait for; joining one counts towards no limit.

        Raises:
            RateLimitExceededError: the workspace has too many checks.
        """
        task = self._running.get((workspace, key))
        if task is not None:
            return await asyncio.shield(task), False
        task = asyncio.create_task(self._run_within_limits(workspace, check))
        self._running[workspace, key] = task
        task.add_done_callback(lambda _: self._running.pop((workspace, key), None))
        return await asyncio.shield(task), True

    async def _run_within_limits(self, workspace: str, check: Callable[[], Awaitable[T]]) -> T:
        with self._limits.take(workspace):
            return await check()
