"""Requests that read much: few at once in a workspace, for a limited time, for a client who waits.

A list of the past, an export, or a search that no index helps takes the database and the event
loop, which all workspaces share.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from app.database.availability import UnavailableError
from app.http.dependencies import get_dependencies
from app.http.errors import ClientLeftError, TooMuchToReadError
from app.http.field_rules import FieldProblem
from app.http.types import ApiRequest
from app.keyed_lock import LockTimeoutError
from app.rate_limit import RateLimitExceededError
from app.views.as_of import MAX_EVENTS, TooManyEventsError

QUEUE_TIMEOUT = 1.0  # seconds that a request waits for those before it
DEADLINE = 10.0  # seconds for one request
RETRY_AFTER = 2  # seconds
TOO_MANY_EVENTS = FieldProblem(
    "TOO_MANY_EVENTS",
    "This would read more than {maximum} events; give an earlier position, ask for one integration,"
    " or export the log",
    {"maximum": MAX_EVENTS},
)
T = TypeVar("T")


async def run_limited(request: ApiRequest, read: Coroutine[Any, Any, T]) -> T:
    """Return what *read* returns, which stops if the client leaves.

    Raises:
        RateLimitExceededError: the workspace has too many such requests.
        TooMuchToReadError: the log is too long for it.
        UnavailableError: it takes too long.
        ClientLeftError: nobody waits for it any more.
    """
    return await while_connected(request, read_within_limits(request, read))


async def read_within_limits(request: ApiRequest, read: Coroutine[Any, Any, T]) -> T:
    """Return what *read* returns in its turn and in time."""
    try:
        async with hold_slot(request), asyncio.timeout(DEADLINE):
            return await read
    except TooManyEventsError:
        raise TooMuchToReadError([("asOf", TOO_MANY_EVENTS)]) from None
    except TimeoutError:
        raise UnavailableError from None
    finally:
        read.close()  # it never began if there was no turn


async def stream_limited(request: ApiRequest, items: AsyncIterable[T]) -> AsyncGenerator[T]:
    """Yield *items*, as one of the workspace's expensive requests until the last one.

    It has no deadline, as a client takes what time it takes to read; one that reads too slowly is
    disconnected (app/http/protocol.py).

    Raises:
        RateLimitExceededError: the workspace has too many such requests.
    """
    async with hold_slot(request):
        async for item in items:
            yield item


async def with_first(first: bytes, others: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Yield *first*, if there is one, and then the *others*."""
    if first:
        yield first
    async for item in others:
        yield item


@asynccontextmanager
async def hold_slot(request: ApiRequest) -> AsyncGenerator[None]:
    """Run the block as one of the workspace's expensive requests; raise RateLimitExceededError."""
    running = get_dependencies(request.app).expensive_requests
    try:
        async with running.hold(request.user.workspace, QUEUE_TIMEOUT):
            yield
    except LockTimeoutError:
        raise RateLimitExceededError(RETRY_AFTER) from None


async def while_connected(request: ApiRequest, work: Coroutine[Any, Any, T]) -> T:
    """Return what *work* returns; cancel it if the client leaves, and raise ClientLeftError."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(wait_for_disconnect(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeftError
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait((working, leaving))


async def wait_for_disconnect(request: ApiRequest) -> None:
    """Wait until the client of *request*, which has no body, closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
