"""HTTP below the application: what the parser refuses is answered by the envelope, too."""

import asyncio
import sys
from http import HTTPStatus

import msgspec
from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.middleware import new_request_id
from app.http.problems import INVALID_REQUEST, METHOD_NOT_ALLOWED, Problem, error_envelope

MAX_HEAD = 64 * 1024  # bytes of a request line with its headers; the parser itself has none
# Bytes behind a head that are no body: what marks chunks, and trailers. Five bytes mark a chunk,
# so the largest body passes even byte by byte.
MAX_FRAMING = 1024 * 1024
REQUEST_TIMEOUT = 30.0  # seconds that a client has for a whole request
POLL_INTERVAL = 5.0  # seconds
# The parser stops before it has read the path: all methods that any path has.
METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"


class GuardedHttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 by uvicorn and httptools; refuses in our words, and what never ends."""

    in_head = True
    overhead = 0
    waiting_since: float | None = None
    next_poll: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] — as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.waiting_since = self.loop.time()
        self.next_poll = self.loop.call_later(POLL_INTERVAL, self.close_idle_request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self.next_poll.cancel()
        super().connection_lost(exc)

    def close_idle_request(self) -> None:
        """Close the connection of a client that takes too long for a request; look again later.

        It is closed without a word: whoever sends a byte a minute does not read.
        """
        since = self.waiting_since
        if (
            since is not None
            and self.loop.time() - since > REQUEST_TIMEOUT
            and not self.is_response_pending()
        ):
            self.transport.close()
        else:
            self.next_poll = self.loop.call_later(POLL_INTERVAL, self.close_idle_request)

    def is_response_pending(self) -> bool:
        """Tell whether a request was read to its end and its answer was not sent to its own."""
        return bool(self.cycle) and not (self.cycle.more_body or self.cycle.response_complete)

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        super().data_received(data)
        self.overhead += len(data)
        if self.overhead > (MAX_HEAD if self.in_head else MAX_FRAMING):
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Start to count a new head."""
        self.in_head, self.overhead = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start to count what is no body; trailers come after this and are no headers of ours."""
        self.in_head, self.overhead = False, 0
        super().on_headers_complete()
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self.overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no longer."""
        self.waiting_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — uvicorn's signature and text
        """Answer what is no HTTP, and close the connection."""
        if self.transport.is_closing():
            return
        if (
            self.is_response_pending()
        ):  # a refusal now would be taken for the answer to what came before
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        unknown_method = isinstance(sys.exception(), HttpParserInvalidMethodError)
        problem = METHOD_NOT_ALLOWED if unknown_method else INVALID_REQUEST
        self.transport.write(raw_response(problem, {"Allow": METHODS} if unknown_method else {}))
        self.transport.close()


def raw_response(problem: Problem, more: dict[str, str]) -> bytes:
    """Return *problem* as an HTTP response, in English as the path was not read."""
    request_id = new_request_id()
    body = msgspec.json.encode(error_envelope(problem, problem.message, request_id))
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Content-Language": "en",
        "X-Request-Id": request_id,
        "Connection": "close",
        **more,
    }
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
