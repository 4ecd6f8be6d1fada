"""Checks under way are shared, and a workspace has a limit of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.providers.shared_checks import MAX_A_MINUTE, MAX_CONCURRENT, CheckLimits, SharedChecks
from app.rate_limit import RateLimitExceededError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def take(limits: CheckLimits, workspace: str = "w") -> None:
    with limits.take(workspace):
        pass


@pytest.mark.parametrize(("workers", "most"), [(1, 60), (2, 30), (7, 8), (64, 1)])
def test_checks_of_a_minute_are_limited_for_each_workspace(workers: int, most: int) -> None:
    clock = Clock()
    limits = CheckLimits(workers, clock)
    for _ in range(most):
        take(limits)
        clock.now += 0.25
    with pytest.raises(RateLimitExceededError) as refused:
        take(limits)
    take(limits, "other")

    assert refused.value.retry_after == -int(-(60 - most * 0.25) // 1)
    clock.now = 1000.0 + 60
    take(limits)


@pytest.mark.parametrize(("workers", "most"), [(1, 4), (2, 2), (3, 1)])
def test_checks_at_once_are_limited_for_each_workspace(workers: int, most: int) -> None:
    limits = CheckLimits(workers)
    held = [limits.take("w") for _ in range(most)]
    for one in held:
        one.__enter__()
    with pytest.raises(RateLimitExceededError):
        take(limits)
    take(limits, "other")
    held[0].__exit__(None, None, None)

    take(limits)


def test_workspaces_that_rest_take_no_memory() -> None:
    clock = Clock()
    limits = CheckLimits(1, clock)
    for number in range(1000):
        take(limits, str(number))
        clock.now += 1

    state = vars(limits)
    assert len(state["_starts"]) <= MAX_A_MINUTE + 1
    assert not state["_running"]


def counted(release: asyncio.Event) -> tuple[list[int], Callable[[], Awaitable[int]]]:
    """Return how often a check ran, and the check; it ends after *release*."""
    runs: list[int] = []

    async def check() -> int:
        runs.append(len(runs))
        await release.wait()
        return len(runs)

    return runs, check


async def test_requests_for_the_same_credentials_share_a_check() -> None:
    release = asyncio.Event()
    runs, check = counted(release)
    shared = SharedChecks[int](CheckLimits())
    requests = [asyncio.create_task(shared.run("w", "k", check)) for _ in range(50)]
    await asyncio.sleep(0)
    release.set()

    found = await asyncio.gather(*requests)

    assert len(runs) == 1
    assert sorted(is_own for _, is_own in found) == [False] * 49 + [True]
    await shared.run("w", "k", check)
    assert len(runs) == 2


async def test_other_credentials_and_workspaces_have_checks_of_their_own() -> None:
    release = asyncio.Event()
    runs, check = counted(release)
    shared = SharedChecks[int](CheckLimits())
    requests = [
        asyncio.create_task(shared.run(*key, check)) for key in (("w", 1), ("w", 2), ("v", 1))
    ]
    await asyncio.sleep(0)
    release.set()

    assert all(is_own for _, is_own in await asyncio.gather(*requests))
    assert len(runs) == 3


async def test_a_request_that_goes_does_not_end_the_check_of_those_that_wait() -> None:
    release = asyncio.Event()
    runs, check = counted(release)
    shared = SharedChecks[int](CheckLimits())
    first = asyncio.create_task(shared.run("w", "k", check))
    await asyncio.sleep(0)
    second = asyncio.create_task(shared.run("w", "k", check))
    await asyncio.sleep(0)
    first.cancel()
    release.set()

    assert await second == (1, False)
    assert len(runs) == 1


async def test_more_at_once_than_a_workspace_may_have_are_refused() -> None:
    release = asyncio.Event()
    _, check = counted(release)
    shared = SharedChecks[int](CheckLimits())
    requests = [asyncio.create_task(shared.run("w", key, check)) for key in range(MAX_CONCURRENT)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimitExceededError):
        await shared.run("w", "one more", check)
    release.set()
    await asyncio.gather(*requests)

    assert (await shared.run("w", "one more", check))[1]
