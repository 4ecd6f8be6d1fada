"""Many ask, and one look answers them."""

import asyncio

import pytest

from app.shared_look import SharedLook

FOREVER = 3600.0  # seconds


class Database:
    """What is looked at; it counts the looks and waits until it may answer."""

    def __init__(self) -> None:
        self.looks = 0
        self.answers = asyncio.Event()
        self.away = False

    async def look(self) -> int:
        self.looks += 1
        await self.answers.wait()
        if self.away:
            raise ConnectionError
        return self.looks


async def test_all_who_ask_at_once_get_the_result_of_one_look() -> None:
    database = Database()
    look = SharedLook(database.look, FOREVER)
    asked = [asyncio.create_task(look()) for _ in range(100)]
    await asyncio.sleep(0)
    database.answers.set()

    assert await asyncio.gather(*asked) == [1] * 100
    assert await look() == 1


async def test_an_old_result_is_looked_at_again() -> None:
    database = Database()
    database.answers.set()
    look = SharedLook(database.look, 0)

    assert [await look(), await look()] == [1, 2]


async def test_a_failed_look_counts_too() -> None:
    database = Database()
    database.answers.set()
    database.away = True
    look = SharedLook(database.look, FOREVER)

    for _ in range(3):
        with pytest.raises(ConnectionError):
            await look()
    assert database.looks == 1


async def test_who_stops_waiting_does_not_stop_the_look_of_others() -> None:
    database = Database()
    look = SharedLook(database.look, FOREVER)
    leaves, stays = asyncio.create_task(look()), asyncio.create_task(look())
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    database.answers.set()

    assert await stays == 1
    assert leaves.cancelled()
