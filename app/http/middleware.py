"""The outermost ASGI middleware: request id, headers, access log and metrics of every response.

Litestar's own middleware does not run for 404 and 405, so this wraps the whole application.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Literal

from msgspec import Struct

from app.metrics.collector import Metrics
from app.metrics.instruments import RequestLabels
from app.secrets.private_key_text import has_key_structure
from app.structured_logging import build_line_logger

MAX_DRAINED = 16 * 1024 * 1024  # bytes that are read and dropped
DRAIN_TIMEOUT = 5.0  # seconds
SMALL_BODY = 64 * 1024  # bytes that the system's buffers take at once
Header = tuple[bytes, bytes]
ASGI = Any  # each library types scopes and messages in its own way
REQUEST_ID = "integrations_request_id"
METHOD = "integrations_method"  # as it was sent
ON_STOP = "integrations_on_stop"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# HEAD is GET, of which the server sends the head only (RFC 9110, 9.3.2). OPTIONS is refused, as
# TRACE is: Litestar would list the methods of only one of a path's controllers.
METHOD_OVERRIDES = {"HEAD": "GET", "OPTIONS": "TRACE"}
NOSNIFF = (b"x-content-type-options", b"nosniff")
NO_STORE = (b"cache-control", b"no-store")
REVALIDATE = (b"cache-control", b"private, no-cache")
REQUEST_ID_PATTERN = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def new_request_id() -> str:
    """Return an id for a request without one: 128 random bits."""
    return token_hex(16)


def get_request_id(scope: Any) -> str:  # noqa: ANN401 — Litestar and ASGI type scopes differently
    """Return the id of the request, set by RequestMiddleware."""
    return scope[REQUEST_ID]


def given_request_id(scope: Any) -> str | None:  # noqa: ANN401 — as above
    """Return the id of the request if it is the client's; None if it is ours."""
    sent = (b"x-request-id", scope[REQUEST_ID].encode())
    return scope[REQUEST_ID] if sent in scope["headers"] else None


def replace_request_id(scope: Any) -> None:  # noqa: ANN401 — as above
    """Give the request an id of ours, as the client's does not fit."""
    scope[REQUEST_ID] = new_request_id()


def is_head_request(scope: Any) -> bool:  # noqa: ANN401
    """Return whether the request, which is handled as GET, has the method HEAD."""
    return scope[METHOD] == "HEAD"


class AccessLine(Struct, frozen=True, kw_only=True):
    """The access log's line: the request, the status and the time.

    It and the metrics hold the route's template and no path, query string, header or body: any of
    them may hold what a client should not have put there.
    """

    source: Literal["access"] = "access"
    method: str
    route: str
    status: int
    ms: float
    request_id: str
    workspace: str | None
    event: Literal["request"] = "request"
    level: Literal["info"] = "info"
    timestamp: datetime


class RequestMiddleware:
    """Gives each request an id, its response the headers of all, and the log one line.

    The server calls *on_stop*, by the state of the lifespan, before it waits for running requests.
    """

    def __init__(self, app: ASGI, metrics: Metrics, on_stop: Callable[[], None]) -> None:
        self.app = app
        self.metrics = metrics
        self.on_stop = on_stop
        self.log = build_line_logger(logging.INFO)

    async def __call__(self, scope: ASGI, receive: ASGI, send: ASGI) -> None:
        """Handle one HTTP request; other scopes pass through."""
        if scope["type"] != "http":
            scope.setdefault("state", {})[ON_STOP] = self.on_stop
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        scope = {**scope, "method": METHOD_OVERRIDES.get(method, method), METHOD: method}
        scope[REQUEST_ID] = choose_request_id(scope["headers"])
        started, status = time.perf_counter(), 500
        self.metrics.in_progress += 1

        async def send_with_id(message: ASGI) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = complete_headers(message.get("headers", ()), scope[REQUEST_ID])
            await send(message)

        try:
            await self.app(scope, *drain_body_before_response(scope, receive, send_with_id))
        finally:
            seconds = time.perf_counter() - started
            kind = (route_template(scope), method if method in METHODS else "OTHER", status)
            self.metrics.in_progress -= 1
            self.metrics.count(kind, seconds)
            self.log(access_line(scope, kind, seconds))


def choose_request_id(headers: list[Header]) -> str:
    """Return the client's X-Request-Id if it is one of 1 to 64 plain characters, else a new one.

    An id with the structure of a private key is replaced, too; other secrets are known later.
    """
    given = [value for name, value in headers if name == b"x-request-id"]
    if len(given) != 1 or not REQUEST_ID_PATTERN.fullmatch(given[0]):
        return new_request_id()
    text = given[0].decode()
    return new_request_id() if has_key_structure(text) else text


def complete_headers(headers: Iterable[Header], request_id: str) -> list[Header]:
    """Return *headers* of a response with those that every response has.

    A response with an entity tag may be kept to be revalidated, any other must not be kept, unless
    it says itself how long.
    """
    complete = [*headers, (b"x-request-id", request_id.encode()), NOSNIFF]
    names = {name for name, _ in complete}
    if b"cache-control" not in names:
        complete.append(REVALIDATE if b"etag" in names else NO_STORE)
    return complete


def route_template(scope: ASGI) -> str:
    """Return the template of the request's route, `none` for every unknown path."""
    return scope.get("path_template") or "none"


def access_line(scope: ASGI, kind: RequestLabels, seconds: float) -> AccessLine:
    """Return the line about the request that took *seconds* until now."""
    user = scope.get("user")
    route, method, status = kind
    return AccessLine(
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        request_id=scope[REQUEST_ID],
        workspace=user and user.workspace,
        timestamp=datetime.now(UTC),
    )


def drain_body_before_response(scope: ASGI, receive: ASGI, send: ASGI) -> tuple[ASGI, ASGI]:
    """Return *receive* and *send*, wrapped if the body of *scope* may be large."""
    if not has_large_body(scope):
        return receive, send
    body = DrainedBody(receive, send)
    return body.receive, body.send


def has_large_body(scope: ASGI) -> bool:
    """Return whether the body is large or of unknown length."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return not value.isdigit() or int(value) > SMALL_BODY
        if name == b"transfer-encoding":
            return True
    return False


class DrainedBody:
    """A body that is read to its end before a response is sent."""

    def __init__(self, receive: ASGI, send: ASGI) -> None:
        self._receive = receive
        self._send = send
        self._ended = False

    async def receive(self) -> ASGI:
        """Return the next part of the body."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def send(self, message: ASGI) -> None:
        """Send *message* once the client has sent all, or too much, or for too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT):
                await self._drain()
        await self._send(message)

    async def _drain(self) -> None:
        dropped = 0
        while not self._ended and dropped < MAX_DRAINED:
            message = await self.receive()
            dropped += len(message.get("body", b""))
        self._ended = True
