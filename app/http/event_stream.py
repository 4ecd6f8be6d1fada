"""The change feed as server-sent events (WHATWG HTML, 9.2): a stream that a client keeps open.

It holds a position and no queue: the next page is read once the client has taken the one before.
A client that does not is disconnected (app/http/protocol.py).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.database.availability import UnavailableError
from app.feed.change_feed import ChangeFeed, Page
from app.http.dependencies import get_dependencies
from app.http.types import ApiRequest
from app.keyed_lock import LockTimeoutError
from app.rate_limit import RateLimitExceededError
from app.tokens.errors import UnauthorizedError

EVENT_STREAM = "text/event-stream"
# Between us and the client nobody may store the stream, or hold parts of it back (nginx).
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RECONNECT_DELAY = 1000  # milliseconds
HEARTBEAT_INTERVAL = 15.0  # seconds
MAX_DURATION = 3600.0  # seconds of one stream
PAGE_SIZE = 200  # changes that are sent at once
QUEUE_TIMEOUT = 0.5  # seconds that a client waits for another one of its workspace to leave
RETRY_AFTER = 5  # seconds


@asynccontextmanager
async def waiting_client(request: ApiRequest) -> AsyncGenerator[ChangeFeed]:
    """Run the block as one of the clients of the workspace that wait for changes.

    Raises:
        RateLimitExceededError: there are too many, or too many of all workspaces.
    """
    feed = get_dependencies(request.app).feed
    try:
        async with (
            feed.clients.hold(request.user.workspace, QUEUE_TIMEOUT),
            feed.all_clients.hold(None, QUEUE_TIMEOUT),
        ):
            yield feed
    except LockTimeoutError:
        raise RateLimitExceededError(RETRY_AFTER) from None


async def stream_changes(request: ApiRequest, after: int) -> AsyncGenerator[bytes]:
    """Yield the changes after the position *after*, until the stream ends with a reason.

    Raises:
        RateLimitExceededError: the workspace has too many.
    """
    async with waiting_client(request) as feed:
        feed.streams += 1
        try:
            yield b"retry: %d\n\n" % RECONNECT_DELAY + encode_heartbeat(after)
            async for part in stream_pages(request, feed, after):
                yield part
                await asyncio.sleep(0)  # a send that does not wait lets nobody else run
        finally:
            feed.streams -= 1


async def stream_pages(request: ApiRequest, feed: ChangeFeed, after: int) -> AsyncGenerator[bytes]:
    """Yield pages and heartbeats, and at last the end."""
    loop, reason = asyncio.get_running_loop(), ""
    until = loop.time() + MAX_DURATION
    while not reason:
        seconds = min(HEARTBEAT_INTERVAL, until - loop.time())
        try:
            page = await feed.next_page(request.user.workspace, after, PAGE_SIZE, seconds)
            await get_dependencies(request.app).verifier.authenticate(
                request.headers.get("authorization")
            )
        except UnavailableError:
            reason = "unavailable"
        except UnauthorizedError:
            reason = "token"
        else:
            after = page.after
            yield encode_page(page)
            if feed.is_stopping:
                reason = "shutdown"
            elif loop.time() >= until:
                reason = "time"
    yield encode_end(reason, after)


def encode_page(page: Page) -> bytes:
    """Return *page* as events, in one piece; without changes it is a heartbeat."""
    events = [
        b"id: %d\nevent: change\ndata: %b\n\n" % (position, change)
        for position, change in page.changes
    ]
    return b"".join(events) or encode_heartbeat(page.after)


def encode_heartbeat(after: int) -> bytes:
    """Return a comment with the position up to which the log was read."""
    return b": %d\n\n" % after


def encode_end(reason: str, after: int) -> bytes:
    """Return the last event; a client that reconnects continues after its id."""
    return b"id: %d\nevent: end\ndata: %b\n\n" % (after, reason.encode())
