"""How a stream ends that no client ends: by its time, and when a page cannot be read."""

import asyncio
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.database.availability import UnavailableError
from app.feed.change_feed import ChangeFeed, Page
from app.http import event_stream
from app.http.event_stream import encode_page, stream_pages, waiting_client
from app.http.types import ApiRequest
from app.keyed_lock import KeyedLock
from app.rate_limit import RateLimitExceededError


class AcceptingVerifier:
    """Accepts every token."""

    async def authenticate(self, _: str | None) -> None:
        """Accept."""


class QuietFeed:
    """A feed without changes, of which a later page may be unavailable."""

    is_stopping = False

    def __init__(self, pages: int) -> None:
        self.pages = pages

    async def next_page(self, _: str, after: int, __: int, seconds: float) -> Page:
        await asyncio.sleep(min(seconds, 0.01))
        self.pages -= 1
        if self.pages < 0:
            raise UnavailableError
        return Page([], after + 1)


async def parts(feed: QuietFeed) -> list[bytes]:
    app = SimpleNamespace(state={"dependencies": SimpleNamespace(verifier=AcceptingVerifier())})
    request: Any = SimpleNamespace(user=SimpleNamespace(workspace="w"), headers={}, app=app)
    pages = stream_pages(cast("ApiRequest", request), cast("ChangeFeed", feed), 7)
    return [part async for part in pages]


async def test_a_stream_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_DURATION", 0.2)

    seen = await parts(QuietFeed(pages=10_000))

    *heartbeats, end = seen
    assert heartbeats[0] == b": 8\n\n"
    assert end == b"id: %d\nevent: end\ndata: time\n\n" % (7 + len(heartbeats))


async def test_a_stream_ends_if_a_page_cannot_be_read() -> None:
    seen = await parts(QuietFeed(pages=2))

    assert seen == [b": 8\n\n", b": 9\n\n", b"id: 9\nevent: end\ndata: unavailable\n\n"]


async def test_the_clients_of_all_workspaces_leave_connections_for_others() -> None:
    feed = SimpleNamespace(clients=KeyedLock(2), all_clients=KeyedLock(3))

    def client(workspace: str) -> AbstractAsyncContextManager[object]:
        app = SimpleNamespace(state={"dependencies": SimpleNamespace(feed=feed)})
        request: Any = SimpleNamespace(user=SimpleNamespace(workspace=workspace), app=app)
        return waiting_client(cast("ApiRequest", request))

    async with client("a"), client("a"), client("b"):
        with pytest.raises(RateLimitExceededError):
            await client("c").__aenter__()
    async with client("c"):
        pass


def test_a_page_is_sent_in_one_piece() -> None:
    page = Page([(3, b'{"id":"3"}'), (5, b'{"id":"5"}')], 6)

    assert encode_page(page) == (
        b'id: 3\nevent: change\ndata: {"id":"3"}\n\nid: 5\nevent: change\ndata: {"id":"5"}\n\n'
    )
