"""Batcher: questions that wait at the same time are answered together, in one round trip.

One question alone is asked at once. While the database answers, those that come wait, and go
together as soon as it has answered: the more load, the larger the batches, and no timer anywhere.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class OverloadedError(Exception):
    """More is waiting than can be answered soon."""


class MiscountError(Exception):
    """A batch got more or fewer answers than it asks questions: a bug in what answers."""


class Batcher(Generic[Question, Answer]):
    """Asks *ask* many questions at once; it returns an answer, or an error, for each in order.

    At most *largest* questions go together and *lanes* batches are under way at a time; at most
    *bound* questions wait. Where *ask* itself raises, every question of its batch gets that
    error. Somebody who stops waiting takes nothing from the others: their question is answered.
    `batches` and `questions` say how many there were so far.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]],
        *,
        largest: int = 128,
        lanes: int = 1,
        bound: int = 4096,
    ) -> None:
        self._ask = ask
        self._largest = largest
        self._lanes = lanes
        self._bound = bound
        self.batches = 0
        self.questions = 0
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._running = 0  # lanes
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself keeps them weakly only

    @property
    def waiting(self) -> int:
        """How many questions wait for the next batch."""
        return len(self._waiting)

    async def ask(self, question: Question) -> Answer:
        """Return the answer to *question*, or raise its error.

        Raises:
            OverloadedError: too many questions wait already.
        """
        if len(self._waiting) >= self._bound:
            raise OverloadedError
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._running < self._lanes:
            self._running += 1
            task = asyncio.create_task(self._run_lane())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _run_lane(self) -> None:
        while self._waiting:
            size = min(self._largest, len(self._waiting))
            await self._answer([self._waiting.popleft() for _ in range(size)])
        # In the same step as the look above: who asks from now on starts a lane.
        self._running -= 1

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
