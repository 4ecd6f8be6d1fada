"""Batcher: requests that wait at the same time share one round trip.

A single request runs at once. While the database works, new requests wait and go together as soon
as it has responded: the more load, the larger the batches, and no timer anywhere.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


MAX_BATCH = 128  # requests of one batch at most, by default


class OverloadedError(Exception):
    """Too many requests are waiting, or this one has waited too long."""


class BatchSizeMismatchError(Exception):
    """A batch got more or fewer responses than it has requests: a bug in `run_batch`."""


class Batcher(Generic[Request, Response]):
    """Calls *run_batch* with many requests; it returns a response or an error for each, in order.

    A batch has at most *max_batch* requests, and at most *concurrency* batches run at a time. At
    most *max_waiting* requests wait, each at most *timeout* seconds plus the batch before its own:
    if the database does not respond, thousands must not wait for as many time-outs in a row. If
    *run_batch* itself raises, every request of its batch gets that error. A caller who stops
    waiting cancels nobody else's request. `batches` and `requests` count what ran so far.
    """

    def __init__(
        self,
        run_batch: Callable[[Sequence[Request]], Awaitable[Sequence[Response | Exception]]],
        *,
        max_batch: int = MAX_BATCH,
        concurrency: int = 1,
        max_waiting: int = 4096,
        timeout: float = 2.0,
    ) -> None:
        self._run_batch = run_batch
        self._max_batch = max_batch
        self._concurrency = concurrency
        self._max_waiting = max_waiting
        self.batches = 0
        self.requests = 0
        self._timeout = timeout
        self._waiting: deque[tuple[Request, asyncio.Future[Response], float]] = deque()
        self._running = 0  # batches
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself keeps them weakly only

    @property
    def waiting(self) -> int:
        """How many requests wait for the next batch."""
        return len(self._waiting)

    async def submit(self, request: Request) -> Response:
        """Return the response to *request*, or raise its error.

        Raises:
            OverloadedError: too many requests wait already, or it has waited too long.
        """
        if len(self._waiting) >= self._max_waiting:
            raise OverloadedError
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future, time.monotonic()))
        if self._running < self._concurrency:
            self._running += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _work(self) -> None:
        while batch := self._next_batch():
            await self._respond(batch)
        # In the same step as the last check for a batch: the next request starts a new worker.
        self._running -= 1

    def _next_batch(self) -> list[tuple[Request, "asyncio.Future[Response]"]]:
        """Return the next requests that go together; fail those that have waited too long."""
        oldest = time.monotonic() - self._timeout
        batch: list[tuple[Request, asyncio.Future[Response]]] = []
        while self._waiting and len(batch) < self._max_batch:
            request, future, since = self._waiting.popleft()
            if since < oldest:
                resolve(future, OverloadedError())
            else:
                batch.append((request, future))
        return batch

    async def _respond(self, batch: Sequence[tuple[Request, "asyncio.Future[Response]"]]) -> None:
        for (_, future), response in zip(
            batch, await self._responses([request for request, _ in batch]), strict=True
        ):
            resolve(future, response)

    async def _responses(self, requests: Sequence[Request]) -> Sequence[Response | Exception]:
        self.batches += 1
        self.requests += len(requests)
        try:
            return require_same_length(await self._run_batch(requests), len(requests))
        except Exception as error:  # noqa: BLE001 — of any kind: the callers must get it
            return [error] * len(requests)


def require_same_length(responses: Sequence[Response], expected: int) -> Sequence[Response]:
    """Return *responses*; raise BatchSizeMismatchError unless there are *expected*."""
    if len(responses) != expected:
        raise BatchSizeMismatchError
    return responses


def resolve(future: "asyncio.Future[Response]", response: Response | Exception) -> None:
    """Give *response* to the caller that waits for *future*, unless it has left."""
    if future.done():
        return
    if isinstance(response, Exception):
        future.set_exception(response)
    else:
        future.set_result(response)
