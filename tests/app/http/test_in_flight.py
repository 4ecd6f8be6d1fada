import asyncio

import pytest

from app.http import in_flight
from app.http.in_flight import InFlight
from app.log.event_log import StillRunningError

KEY = ("demo", "key-1")


async def test_two_under_one_key_go_one_after_the_other() -> None:
    running, inside, most = InFlight(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with running.alone(KEY):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(5)))
    assert most == 1


async def test_another_key_and_another_workspace_do_not_wait() -> None:
    running = InFlight()
    async with (
        asyncio.timeout(1),
        running.alone(KEY),
        running.alone(("demo", "key-2")),
        running.alone(("other", "key-1")),
    ):
        pass


async def test_who_waits_too_long_hears_that_the_first_still_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_flight, "PATIENCE", 0.02)
    running = InFlight()
    async with running.alone(KEY):
        with pytest.raises(StillRunningError):
            async with running.alone(KEY):
                pass
    async with asyncio.timeout(1), running.alone(KEY):
        pass


async def test_nothing_is_kept_of_a_key_when_nobody_uses_it() -> None:
    running = InFlight()
    for number in range(100):
        async with running.alone(("demo", str(number))):
            pass
    assert vars(running) == vars(InFlight())


async def test_a_failure_frees_the_key() -> None:
    running = InFlight()
    with pytest.raises(ZeroDivisionError):
        async with running.alone(KEY):
            _ = 1 / 0
    async with asyncio.timeout(1), running.alone(KEY):
        pass
