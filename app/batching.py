"""Batcher: questions that wait at the same time are answered together, in one round trip.

One question alone is asked at once. While the database answers, those that come wait, and go
together as soon as it has answered: the more load, the larger the batches, and no timer anywhere.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


MAX_BATCH = 128  # questions of one batch at most, unless said otherwise


class OverloadedError(Exception):
    """More is waiting than can be answered soon, or something has waited too long already."""


class BatchSizeMismatchError(Exception):
    """A batch got more or fewer answers than it asks questions: a bug in what answers."""


class Batcher(Generic[Request, Response]):
    """Asks *ask* many questions at once; it returns an answer, or an error, for each in order.

    At most *largest* questions go together and *lanes* batches are under way at a time; at most
    *bound* questions wait, each at most *patience* seconds and the batch before its own: where
    the database does not answer, thousands must not wait for as many time-outs in a row. Where
    *ask* itself raises, every question of its batch gets that error. Somebody who stops waiting
    takes nothing from the others: their question is answered.
    `batches` and `questions` say how many there were so far.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Request]], Awaitable[Sequence[Response | Exception]]],
        *,
        largest: int = MAX_BATCH,
        lanes: int = 1,
        bound: int = 4096,
        patience: float = 2.0,
    ) -> None:
        self._run_batch = ask
        self._max_batch = largest
        self._concurrency = lanes
        self._max_waiting = bound
        self.batches = 0
        self.requests = 0
        self._timeout = patience
        self._waiting: deque[tuple[Request, asyncio.Future[Response], float]] = deque()
        self._running = 0  # lanes
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself keeps them weakly only

    @property
    def waiting(self) -> int:
        """How many questions wait for the next batch."""
        return len(self._waiting)

    async def submit(self, question: Request) -> Response:
        """Return the answer to *question*, or raise its error.

        Raises:
            OverloadedError: too many questions wait already, or it has waited too long.
        """
        if len(self._waiting) >= self._max_waiting:
            raise OverloadedError
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future, time.monotonic()))
        if self._running < self._concurrency:
            self._running += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _work(self) -> None:
        while batch := self._next_batch():
            await self._respond(batch)
        # In the same step as the look above: who asks from now on starts a lane.
        self._running -= 1

    def _next_batch(self) -> list[tuple[Request, "asyncio.Future[Response]"]]:
        """Return the next questions that go together; tell those that waited too long."""
        oldest = time.monotonic() - self._timeout
        batch: list[tuple[Request, asyncio.Future[Response]]] = []
        while self._waiting and len(batch) < self._max_batch:
            question, future, since = self._waiting.popleft()
            if since < oldest:
                resolve(future, OverloadedError())
            else:
                batch.append((question, future))
        return batch

    async def _respond(self, batch: Sequence[tuple[Request, "asyncio.Future[Response]"]]) -> None:
        for (_, future), answer in zip(
            batch, await self._responses([question for question, _ in batch]), strict=True
        ):
            resolve(future, answer)

    async def _responses(self, questions: Sequence[Request]) -> Sequence[Response | Exception]:
        self.batches += 1
        self.requests += len(questions)
        try:
            return require_same_length(await self._run_batch(questions), len(questions))
        except Exception as error:  # noqa: BLE001 — whatever it is, those who wait must hear it
            return [error] * len(questions)


def require_same_length(answers: Sequence[Response], expected: int) -> Sequence[Response]:
    """Return *answers*; raise BatchSizeMismatchError where they are not as many as *expected*."""
    if len(answers) != expected:
        raise BatchSizeMismatchError
    return answers


def resolve(future: "asyncio.Future[Response]", answer: Response | Exception) -> None:
    """Give *answer* to whoever waits for *future*, unless nobody does any more."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
