import asyncio

import pytest

from app.keyed_lock import KeyedLock, LockTimeoutError

KEY = ("demo", "key-1")


async def test_two_blocks_of_one_key_run_one_after_the_other_in_order() -> None:
    turns, inside, order = KeyedLock(), 0, list[int]()

    async def work(number: int) -> None:
        nonlocal inside
        async with turns.hold(KEY):
            inside += 1
            assert inside == 1
            order.append(number)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(work(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_another_key_does_not_wait() -> None:
    turns = KeyedLock()
    async with asyncio.timeout(60), turns.hold(KEY), turns.hold(("demo", "key-2")):
        pass


async def test_a_block_that_waits_too_long_gives_up_and_the_next_gets_the_lock() -> None:
    turns = KeyedLock()
    async with turns.hold(KEY):
        with pytest.raises(LockTimeoutError):
            async with turns.hold(KEY, 0.02):
                pass
    async with asyncio.timeout(60), turns.hold(KEY, 0.02):
        pass


async def test_a_key_that_nobody_uses_takes_no_memory() -> None:
    turns = KeyedLock()
    for number in range(100):
        async with turns.hold(number):
            pass
    assert vars(turns) == vars(KeyedLock())


async def test_an_error_releases_the_lock_to_the_next() -> None:
    turns = KeyedLock()
    with pytest.raises(ZeroDivisionError):
        async with turns.hold(KEY):
            _ = 1 / 0
    async with asyncio.timeout(60), turns.hold(KEY):
        pass
