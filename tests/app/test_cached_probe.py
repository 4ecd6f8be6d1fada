"""All who ask at the same time get the result of one probe."""

import asyncio

import pytest

from app.cached_probe import CachedProbe

FOREVER = 3600.0  # seconds


class Database:
    """What is probed; it counts the probes, and waits until it may answer."""

    def __init__(self) -> None:
        self.probes = 0
        self.answers = asyncio.Event()
        self.away = False

    async def probe(self) -> int:
        self.probes += 1
        await self.answers.wait()
        if self.away:
            raise ConnectionError
        return self.probes


async def test_all_who_ask_at_once_get_the_result_of_one_probe() -> None:
    database = Database()
    probe = CachedProbe(database.probe, FOREVER)
    asked = [asyncio.create_task(probe()) for _ in range(100)]
    await asyncio.sleep(0)
    database.answers.set()

    assert await asyncio.gather(*asked) == [1] * 100
    assert await probe() == 1


async def test_an_old_result_is_not_used() -> None:
    database = Database()
    database.answers.set()
    probe = CachedProbe(database.probe, 0)

    assert [await probe(), await probe()] == [1, 2]


async def test_a_failed_probe_counts_too() -> None:
    database = Database()
    database.answers.set()
    database.away = True
    probe = CachedProbe(database.probe, FOREVER)

    for _ in range(3):
        with pytest.raises(ConnectionError):
            await probe()
    assert database.probes == 1


async def test_a_caller_that_stops_waiting_does_not_stop_the_probe_of_others() -> None:
    database = Database()
    probe = CachedProbe(database.probe, FOREVER)
    leaves, stays = asyncio.create_task(probe()), asyncio.create_task(probe())
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    database.answers.set()

    assert await stays == 1
    assert leaves.cancelled()
