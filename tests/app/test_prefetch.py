"""Batches come in their order, one ahead of its use, and failures are not lost."""

from collections.abc import Iterator
from threading import Event

import pytest

from app.prefetch import prefetch


def test_the_next_batch_is_read_while_one_is_used() -> None:
    second_was_read = Event()

    def batches() -> Iterator[int]:
        yield 1
        second_was_read.set()
        yield 2

    ahead = prefetch(batches())

    assert next(ahead) == 1
    assert second_was_read.wait(timeout=10)
    assert [*ahead] == [2]


def test_a_failure_comes_after_the_batches_before_it() -> None:
    def batches() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    ahead = prefetch(batches())

    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)
