"""The feed of one process: nothing is left out or comes twice, whatever happens meanwhile."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.event_store.reader import LogReader
from app.event_store.recorder import open_subscription
from app.feed import change_feed
from app.feed.change_feed import ChangeFeed, Page
from tests.app.conftest import StoryTeller

Log = Connection[TupleRow]
EVENT = ("int_1", "ann", 0, "INTEGRATION_ENABLED")
SOON = 20  # seconds
LONG = 60.0  # seconds, which no test waits for
END_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'integrations_recorder' AND datname = current_database()
"""


@asynccontextmanager
async def running(dsn: str, pool: Pool) -> AsyncGenerator[ChangeFeed]:
    feed = ChangeFeed(LogReader(pool), partial(open_subscription, dsn))
    task = asyncio.create_task(feed.run())
    try:
        await feed.refresh()
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def feed(dsn: str, audits: Pool) -> AsyncGenerator[ChangeFeed]:
    async with running(dsn, audits) as feed:
        yield feed


def append(told: StoryTeller, workspace: str = "demo", amount: int = 1) -> None:
    told.append(workspace, [EVENT] * amount)


def positions(page: Page) -> list[int]:
    shown = [int(json.loads(change)["id"]) for _, change in page.changes]
    assert shown == [position for position, _ in page.changes]
    return shown


async def next_page(feed: ChangeFeed, after: int, limit: int = 100, wait: float = LONG) -> Page:
    async with asyncio.timeout(SOON):
        return await feed.next_page("demo", after, limit, wait)


async def soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 — on what another task does
            await asyncio.sleep(0.01)


def delete(admin: Log, position: int) -> None:
    """Delete an event as a superuser can, whom no trigger stops."""
    admin.execute("SET session_replication_role = replica")
    admin.execute("DELETE FROM integrations.events WHERE position = %s", (position,))


# ----- Nothing is left out -----
async def test_who_waits_is_woken_by_a_change_of_its_workspace_alone(
    feed: ChangeFeed, told: StoryTeller
) -> None:
    waiting = asyncio.create_task(next_page(feed, 0))
    await asyncio.sleep(0.1)
    append(told, "other")
    await soon(lambda: feed.position == 1)
    assert not waiting.done()

    append(told)

    assert positions(await waiting) == [2]


async def test_a_page_without_changes_says_where_the_log_is(
    feed: ChangeFeed, told: StoryTeller
) -> None:
    append(told, "other", 3)
    await feed.refresh()

    assert await next_page(feed, 0, wait=0) == Page([], 3)


async def test_what_is_older_than_memory_comes_from_the_log(
    feed: ChangeFeed, told: StoryTeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workspace in ("demo", "other", "demo", "other", "demo"):
        append(told, workspace, change_feed.MAX_RECENT // 2)
    await feed.refresh()
    read = 0
    read_page = LogReader.read_page

    async def counted(*arguments: Any) -> Any:
        nonlocal read
        read += 1
        return await read_page(*arguments)

    monkeypatch.setattr(LogReader, "read_page", counted)
    seen, after, more = list[int](), 0, True
    while more:
        page = await next_page(feed, after, limit=100, wait=0)
        seen += positions(page)
        after, more = page.after, page.more

    half = change_feed.MAX_RECENT // 2
    assert seen == [*range(1, half + 1), *range(2 * half + 1, 3 * half + 1),
                    *range(4 * half + 1, 5 * half + 1)]  # fmt: skip
    assert 0 < read < len(seen) / 100  # the newest came from memory


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_clients_that_come_and_go_see_each_change_once(
    dsn: str, audits: Pool, told: StoryTeller, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(change_feed, "MAX_RECENT", 8)
    dice, expected = Random(limit), list[int]()  # noqa: S311 — no secret
    async with running(dsn, audits) as feed:
        follower = asyncio.create_task(follow(feed, limit, until=400))
        position = 0
        while position < 400:
            workspace, amount = dice.choice(["demo", "other"]), dice.choice([1, 1, 1, 5, 20])
            await asyncio.to_thread(append, told, workspace, amount)
            if workspace == "demo":
                expected += range(position + 1, position + amount + 1)
            position += amount
            await asyncio.sleep(dice.choice([0, 0, 0.01, 0.05]))
        seen, after = await follower

    assert seen == [position for position in expected if position <= after]


async def follow(feed: ChangeFeed, limit: int, until: int) -> tuple[list[int], int]:
    """Follow the feed at least to *until*, and leave all the time; return all seen, and the end."""
    seen, after = list[int](), 0
    dice = Random(limit)  # noqa: S311 — no secret
    async with asyncio.timeout(60):
        while after < until:
            page = await feed.next_page("demo", after, limit, dice.choice([0, 0.001, 0.03, 0.2]))
            seen += positions(page)
            after = page.after
            await asyncio.sleep(dice.choice([0, 0, 0.02, 0.1]))
    return seen, after


async def test_a_change_that_comes_while_a_page_is_read_is_not_left_out(
    feed: ChangeFeed, told: StoryTeller, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(told, "other", change_feed.MAX_RECENT + 1)  # so that the log is read
    await feed.refresh()
    read_page = LogReader.read_page

    async def overtaken(*arguments: Any) -> Any:
        events = await read_page(*arguments)
        append(told)
        await feed.refresh()
        return events

    monkeypatch.setattr(LogReader, "read_page", overtaken)

    page = await next_page(feed, 0)

    assert positions(page) == [change_feed.MAX_RECENT + 2]


async def test_who_was_served_by_another_process_that_is_ahead_misses_nothing(
    feed: ChangeFeed, told: StoryTeller
) -> None:
    ahead = feed.position + 2
    waiting = asyncio.create_task(next_page(feed, ahead))
    await asyncio.sleep(0.1)
    append(told, amount=2)
    await soon(lambda: feed.position == ahead)
    assert not waiting.done()

    append(told)

    assert positions(await waiting) == [ahead + 1]


async def test_what_another_process_appends_comes_as_soon(
    dsn: str, audits: Pool, feed: ChangeFeed, told: StoryTeller
) -> None:
    async with running(dsn, audits) as second:
        waiting = [asyncio.create_task(next_page(each, 0)) for each in (feed, second)]
        await asyncio.sleep(0.1)
        append(told)

        pages = await asyncio.gather(*waiting)

    assert [positions(page) for page in pages] == [[1], [1]]


async def test_a_client_that_leaves_takes_nobody_along(feed: ChangeFeed, told: StoryTeller) -> None:
    leaving = [asyncio.create_task(next_page(feed, 0)) for _ in range(5)]
    staying = asyncio.create_task(next_page(feed, 0))
    await asyncio.sleep(0.05)
    for each in leaving:
        each.cancel()
    append(told)

    assert positions(await staying) == [1]


# ----- What breaks -----
async def test_lost_connections_leave_no_gap(
    feed: ChangeFeed, told: StoryTeller, admin: Log
) -> None:
    seen, after = list[int](), 0
    for last in (3, 6, 9, 12, 15):
        admin.execute(END_CONNECTIONS)
        append(told, amount=3)
        while after < last:
            page = await next_page(feed, after)
            seen, after = [*seen, *positions(page)], page.after

    assert seen == [*range(1, 16)]


async def test_no_fresh_position_is_claimed_while_the_database_is_away(
    feed: ChangeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr("app.event_store.subscription.PollingSubscription._read", lost)
    with pytest.raises(UnavailableError):
        await feed.refresh()

    monkeypatch.undo()
    assert await feed.refresh() == 0


async def test_a_hole_in_the_log_stops_the_feed_loudly(
    feed: ChangeFeed, told: StoryTeller, admin: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = asyncio.create_task(next_page(feed, 0))
    await asyncio.sleep(0.1)
    with admin.transaction():
        append(told, "other", 3)
        delete(admin, 2)

    with pytest.raises(UnavailableError):
        await waiting
    with pytest.raises(UnavailableError):
        await feed.refresh()
    with pytest.raises(UnavailableError):
        await next_page(feed, 0)
    assert "FEED STOPPED" in capsys.readouterr().out


async def test_a_stop_ends_all_waiting(feed: ChangeFeed) -> None:
    waiting = [asyncio.create_task(next_page(feed, 0)) for _ in range(3)]
    await asyncio.sleep(0.05)

    feed.stop()

    assert await asyncio.gather(*waiting) == [Page([], 0)] * 3
    assert await next_page(feed, 0) == Page([], 0)
