"""Batcher: questions that wait at the same time are answered together, in one round trip.

One question alone is asked at once. While the database answers, those that come wait, and go
together as soon as it has answered: the more load, the larger the batches, and no timer anywhere.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


TOGETHER = 128  # questions of one batch at most, unless said otherwise


class OverloadedError(Exception):
    """More is waiting than can be answered soon, or something has waited too long already."""


class MiscountError(Exception):
    """A batch got more or fewer answers than it asks questions: a bug in what answers."""


class Batcher(Generic[Question, Answer]):
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
        ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]],
        *,
        largest: int = TOGETHER,
        lanes: int = 1,
        bound: int = 4096,
        patience: float = 2.0,
    ) -> None:
        self._ask = ask
        self._largest = largest
        self._lanes = lanes
        self._bound = bound
        self.batches = 0
        self.questions = 0
        self._patience = patience
        self._waiting: deque[tuple[Question, asyncio.Future[Answer], float]] = deque()
        self._running = 0  # lanes
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself keeps them weakly only

    @property
    def waiting(self) -> int:
        """How many questions wait for the next batch."""
        return len(self._waiting)

    async def ask(self, question: Question) -> Answer:
        """Return the answer to *question*, or raise its error.

        Raises:
            OverloadedError: too many questions wait already, or it has waited too long.
        """
        if len(self._waiting) >= self._bound:
            raise OverloadedError
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future, time.monotonic()))
        if self._running < self._lanes:
            self._running += 1
            task = asyncio.create_task(self._run_lane())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _run_lane(self) -> None:
        while batch := self._next_batch():
            await self._answer(batch)
        # In the same step as the look above: who asks from now on starts a lane.
        self._running -= 1

    def _next_batch(self) -> list[tuple[Question, "asyncio.Future[Answer]"]]:
        """Return the next questions that go together; tell those that waited too long."""
        oldest = time.monotonic() - self._patience
        batch: list[tuple[Question, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self._largest:
            question, future, since = self._waiting.popleft()
            if since < oldest:
                settle(future, OverloadedError())
            else:
                batch.append((question, future))
        return batch

    async def _answer(self, batch: Sequence[tuple[Question, "asyncio.Future[Answer]"]]) -> None:
        for (_, future), answer in zip(
            batch, await self._answers([question for question, _ in batch]), strict=True
        ):
            settle(future, answer)

    async def _answers(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        self.batches += 1
        self.questions += len(questions)
        try:
            return as_many(await self._ask(questions), len(questions))
        except Exception as error:  # noqa: BLE001 — whatever it is, those who wait must hear it
            return [error] * len(questions)


def as_many(answers: Sequence[Answer], expected: int) -> Sequence[Answer]:
    """Return *answers*; raise MiscountError where they are not as many as *expected*."""
    if len(answers) != expected:
        raise MiscountError
    return answers


def settle(future: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    """Give *answer* to whoever waits for *future*, unless nobody does any more."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
