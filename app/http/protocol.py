"""HTTP/1.1 below the application: error envelopes for parser errors, limits, a timeout."""

import asyncio
import sys
from http import HTTPStatus

import msgspec
from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.middleware import new_request_id
from app.http.problems import INVALID_REQUEST, METHOD_NOT_ALLOWED, Problem, error_envelope

MAX_HEAD = 64 * 1024  # bytes of a request line with its headers; the parser itself has none
# Bytes after a head that are not body: chunk framing and trailers. A chunk has five framing bytes,
# so the largest body passes even byte by byte.
MAX_FRAMING = 1024 * 1024
REQUEST_TIMEOUT = 30.0  # seconds that a client has for a whole request
POLL_INTERVAL = 5.0  # seconds
# The parser stops before it has read the path: all methods that any path has.
METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"


class GuardedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with our error envelope, size limits and a request timeout."""

    in_head = True
    overhead = 0
    waiting_since: float | None = None
    next_poll: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] — as uvicorn has it
        """Start the request timeout."""
        super().connection_made(transport)
        self.waiting_since = self.loop.time()
        self.next_poll = self.loop.call_later(POLL_INTERVAL, self.close_idle_request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop polling."""
        self.next_poll.cancel()
        super().connection_lost(exc)

    def close_idle_request(self) -> None:
        """Close the connection if its request takes too long, else poll again later.

        It is closed without a response: a client that sends a byte a minute does not read.
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
        """Return whether a request was read completely and its response is not yet complete."""
        return bool(self.cycle) and not (self.cycle.more_body or self.cycle.response_complete)

    def data_received(self, data: bytes) -> None:
        """Receive the next bytes of the connection."""
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

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header; the parser leaves white space at its end (RFC 9112, 5.1)."""
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Start to count framing bytes; trailers come after this and are ignored."""
        self.in_head, self.overhead = False, 0
        super().on_headers_complete()
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self.overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the request timeout."""
        self.waiting_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — uvicorn's signature and text
        """Refuse invalid HTTP and close the connection."""
        if self.transport.is_closing():
            return
        if self.is_response_pending():
            # A refusal now would be read as the response to the request before.
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
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Connection": "close",
        **more,
    }
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
