"""The outermost ASGI callable: request id, access log and metrics, for every answer there is.

Litestar's own middleware does not run for 404 and 405, so these stand around it.
"""

import logging
import re
import time
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct

from app.http.long_body import reading_to_the_end
from app.http.scope import REQUEST_ID, new_request_id
from app.metrics.collector import Metrics
from app.metrics.instruments import Kind
from app.structured_logging import line_writer

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# HEAD is GET, of which the server sends the head only (RFC 9110, 9.3.2). OPTIONS is refused, as
# TRACE is: Litestar would answer with the methods of one of a path's controllers alone.
ANSWERED_AS = {"HEAD": "GET", "OPTIONS": "TRACE"}
ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
ASGI = Any  # Litestar, uvicorn and httptools each type scopes and messages of their own


class AccessLine(Struct, frozen=True, kw_only=True):
    """The access log's line: which request was answered, how, and when.

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


class Outermost:
    """Gives each request an id, its response the header X-Request-Id, and the log one line."""

    def __init__(self, app: ASGI, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics
        self.log = line_writer(logging.INFO)

    async def __call__(self, scope: ASGI, receive: ASGI, send: ASGI) -> None:
        """Answer one HTTP request; other scopes pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        scope = {**scope, "method": ANSWERED_AS.get(method, method)}
        request_id = scope[REQUEST_ID] = request_id_from(scope["headers"])
        header = (b"x-request-id", request_id.encode())
        started, status = time.perf_counter(), 500
        self.metrics.in_progress += 1

        async def send_with_id(message: ASGI) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self.app(scope, *reading_to_the_end(scope, receive, send_with_id))
        finally:
            seconds = time.perf_counter() - started
            kind = (route_of(scope), method if method in METHODS else "OTHER", status)
            self.metrics.in_progress -= 1
            self.metrics.count(kind, seconds)
            self.log(access_line(scope, kind, seconds))


def request_id_from(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the caller's X-Request-Id where it is 1 to 64 plain characters, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and ID.fullmatch(value):
            return value.decode()
    return new_request_id()


def route_of(scope: ASGI) -> str:
    """Return the template of the request's route; all that is nowhere has one name."""
    return scope.get("path_template") or "none"


def access_line(scope: ASGI, kind: Kind, seconds: float) -> AccessLine:
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
