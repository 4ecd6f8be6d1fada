import asyncio
from collections.abc import Sequence

import pytest

from app.batching import Batcher, BatchSizeMismatchError, OverloadedError


class Squares:
    """Answers after it was let go, and remembers what was asked together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(numbers))
        await self.gate.wait()
        return [ValueError(str(n)) if n < 0 else n * n for n in numbers]


@pytest.fixture
async def squares() -> Squares:
    return Squares()


async def asked(batcher: Batcher[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(batcher.submit(number)) for number in numbers]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_single_request_runs_at_once(squares: Squares) -> None:
    assert await Batcher(squares.ask).submit(3) == 9
    assert squares.batches == [[3]]


async def test_a_request_submitted_right_after_a_response_gets_a_response_too(
    squares: Squares,
) -> None:
    batcher = Batcher(squares.ask)
    async with asyncio.timeout(5):
        assert [await batcher.submit(n) for n in range(50)] == [n * n for n in range(50)]


async def test_what_comes_while_a_batch_is_under_way_goes_together(squares: Squares) -> None:
    batcher = Batcher(squares.ask)
    squares.gate.clear()
    tasks = await asked(batcher, 1, 2, 3, 4)
    squares.gate.set()
    assert await asyncio.gather(*tasks) == [1, 4, 9, 16]
    assert squares.batches in ([[1], [2, 3, 4]], [[1, 2, 3, 4]])


async def test_each_question_fails_alone(squares: Squares) -> None:
    tasks = await asked(Batcher(squares.ask), 2, -3, 4)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (answers[0], answers[2]) == (4, 16)
    assert isinstance(answers[1], ValueError)


async def test_an_error_of_a_batch_reaches_each_of_its_requests_and_no_later_one() -> None:
    batches: list[Sequence[int]] = []

    async def ask(numbers: Sequence[int]) -> list[int | Exception]:
        batches.append(numbers)
        if len(batches) == 1:
            raise ConnectionError
        return [*numbers]

    batcher = Batcher(ask)
    tasks = await asked(batcher, 1, 2)
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in failed] == [ConnectionError, ConnectionError]
    assert await batcher.submit(7) == 7
    assert batches == [[1, 2], [7]]


async def test_too_few_answers_are_an_error_for_all_and_nobody_waits_for_ever() -> None:
    async def ask(_: Sequence[int]) -> list[int | Exception]:
        return []

    with pytest.raises(BatchSizeMismatchError):
        await Batcher(ask).submit(1)


async def test_who_stops_waiting_takes_nothing_from_the_others(squares: Squares) -> None:
    squares.gate.clear()
    tasks = await asked(Batcher(squares.ask), 1, 2, 3)
    tasks[1].cancel()
    squares.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (answers[0], answers[2]) == (1, 9)
    assert 2 in [n for batch in squares.batches for n in batch], (
        "its question was asked all the same"
    )


async def test_the_queue_is_bounded(squares: Squares) -> None:
    batcher = Batcher(squares.ask, max_batch=1, max_waiting=2)
    squares.gate.clear()
    tasks = [*await asked(batcher, 1), *await asked(batcher, 2, 3)]
    with pytest.raises(OverloadedError):
        await batcher.submit(4)
    squares.gate.set()
    assert await asyncio.gather(*tasks) == [1, 4, 9]


async def test_neither_max_batch_nor_concurrency_is_exceeded(
    squares: Squares,
) -> None:
    squares.gate.clear()
    tasks = await asked(Batcher(squares.ask, max_batch=2, concurrency=2), *range(1, 8))
    assert len(squares.batches) == 2
    squares.gate.set()
    assert await asyncio.gather(*tasks) == [n * n for n in range(1, 8)]
    assert max(map(len, squares.batches)) == 2


async def test_a_request_that_waited_too_long_behind_a_slow_batch_does_not_run(
    squares: Squares,
) -> None:
    batcher = Batcher(squares.ask, timeout=2.0)
    squares.gate.clear()
    first, late = await asked(batcher, 1), await asked(batcher, 2, 3)
    await asyncio.sleep(2.1)
    young = await asked(batcher, 4)
    squares.gate.set()
    answers = await asyncio.gather(*first, *late, *young, return_exceptions=True)
    assert [answers[0], answers[3]] == [1, 16]
    assert [type(answer) for answer in answers[1:3]] == [OverloadedError, OverloadedError]
    assert squares.batches == [[1], [4]]
