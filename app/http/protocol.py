"""HTTP/1.1 below the application: error envelopes for parser errors, limits, timeouts."""

import asyncio
import logging
import socket
import sys
from collections.abc import Mapping
from typing import cast

from httptools import HttpParserInvalidURLError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.middleware import ON_STOP
from app.http.problems import UNAVAILABLE, Problem
from app.http.request_parser import RequestParser, refuse_tunnel
from app.http.unread_requests import parser_problem, refuse_unread

MAX_HEAD = 64 * 1024  # bytes of a request line with its headers; the parser itself has none
MAX_HEADERS = 100  # lines of them; reading thousands would stop all other requests
# Bytes after a head that are not body: chunk framing and trailers. A chunk has five framing bytes,
# so the largest body passes even byte by byte.
MAX_FRAMING = 1024 * 1024
REQUEST_TIMEOUT = 30.0  # seconds that a client has for a whole request
POLL_INTERVAL = 5.0  # seconds
READ_TIMEOUT = 30.0  # seconds in which a client must take something of what is sent to it
MIN_RATE = 4 * 1024  # bytes a second, after READ_TIMEOUT, at which it must take what waits for it
MAX_UNSENT = 256 * 1024  # bytes that the system keeps to be sent; the others are counted here
MAX_CONNECTIONS = 800  # at once in a process, which may often open 1,024 files
MAX_PIPELINED = 100  # requests that wait for the response to one before them, on a connection
# uvicorn warns of invalid HTTP without the request's id; `refuse_unread` logs it.
UVICORN_ERRORS = logging.getLogger("uvicorn.error.protocol")
UVICORN_ERRORS.setLevel(logging.ERROR)


class GuardedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with our error envelope, limits and a request timeout."""

    in_head = True
    head_size = 0
    overhead = 0
    waiting_since: float | None = None
    write_deadline: float | None = None
    next_poll: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] — as uvicorn has it
        """Start the request timeout; make room if this is one connection too many."""
        super().connection_made(transport)
        self.logger = UVICORN_ERRORS
        self.parser = RequestParser(self)
        self.waiting_since = self.loop.time()
        self.next_poll = self.loop.call_later(POLL_INTERVAL, self.close_slow_client)
        if len(self.connections) > MAX_CONNECTIONS:
            self.make_room()

    def make_room(self) -> None:
        """Close the longest idle connection if there are too many on this port, or refuse this one.

        Idle ones are kept for long, and must not keep others out. The port of health and metrics
        is apart.
        """
        alike = [
            other
            for other in cast("set[GuardedHttpProtocol]", self.connections)
            if other.server and self.server and other.server[1] == self.server[1]
        ]
        if len(alike) <= MAX_CONNECTIONS:
            return
        idle = {timer: other for other in alike if (timer := other.idle_timer())}
        if idle:
            idle[min(idle)].transport.close()
        else:
            self.refuse(UNAVAILABLE, UNAVAILABLE.headers)

    def idle_timer(self) -> asyncio.TimerHandle | None:
        """Return what ends the wait for another request, None if there is something else to do."""
        is_busy = self.waiting_since is not None or self.transport.get_write_buffer_size()
        return None if is_busy or self.transport.is_closing() else self.timeout_keep_alive_task

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop polling, and the wait for another request, which would keep this in memory."""
        self.next_poll.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Let a running request finish; streams are ended, as they would never."""
        if ON_STOP in self.app_state:
            self.app_state[ON_STOP]()
        super().shutdown()

    def pause_writing(self) -> None:
        """Start a deadline for the client to take what waits to be sent to it."""
        size = self.transport.get_write_buffer_size()
        self.write_deadline = self.loop.time() + READ_TIMEOUT + size / MIN_RATE
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop the deadline: the client has taken almost all."""
        self.write_deadline = None
        super().resume_writing()

    def close_slow_client(self) -> None:
        """Close the connection if its client sends or reads too slowly; poll again later.

        It is closed without a response: a client that sends a byte a minute does not read.
        """
        self.next_poll = self.loop.call_later(POLL_INTERVAL, self.close_slow_client)
        now, since = self.loop.time(), self.waiting_since
        if self.write_deadline is not None and now > self.write_deadline:
            self.transport.abort()  # close() would wait until all is sent
        elif since is not None and now - since > REQUEST_TIMEOUT and not self.is_response_pending():
            self.transport.close()

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
        """Start to count a new head, whose first bytes may come behind another request."""
        self.in_head, self.head_size, self.overhead = True, 0, 0
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Receive a part of the request target, which has no fragment (RFC 9112, 3.2).

        The parser takes one and ends the path before it, where a proxy may not.
        """
        if b"#" in url:
            raise HttpParserInvalidURLError
        self.count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header; the parser leaves white space at its end (RFC 9112, 5.1)."""
        if not self.in_head:
            return  # a trailer, which nobody reads
        if len(self.headers) == MAX_HEADERS:
            raise HeadTooLargeError  # the parser stops; send_400_response is called
        self.count_head(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value.rstrip(b" \t"))

    def count_head(self, size: int) -> None:
        """Count *size* bytes of a head, which may be complete in the bytes that come at once."""
        self.head_size += size
        if self.head_size > MAX_HEAD:
            raise HeadTooLargeError

    def on_headers_complete(self) -> None:
        """Start to count framing bytes, also those of trailers."""
        if self.parser.should_upgrade():
            refuse_tunnel(self.parser)
            return  # the parser reads this head again
        self.in_head, self.overhead = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self.overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the request timeout, and reading if too many requests wait."""
        if self.parser.should_upgrade():
            return
        self.waiting_since = None
        super().on_message_complete()
        if len(self.pipeline) >= MAX_PIPELINED:
            raise TooManyRequestsError  # the parser stops; those that wait are answered

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — uvicorn's signature and text
        """Refuse invalid HTTP and close the connection."""
        if self.transport.is_closing():
            return
        if self.is_response_pending():
            # A refusal now would be read as the response to the request before.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        self.refuse(*parser_problem(sys.exception()))

    def refuse(self, problem: Problem, headers: Mapping[str, str]) -> None:
        """Send *problem* and close the connection."""
        self.transport.write(refuse_unread(problem, headers))
        self.transport.close()


class HeadTooLargeError(Exception):
    """A request line and its headers are larger than they may be."""


class TooManyRequestsError(Exception):
    """More requests wait on a connection than may."""


def close_connections_that_do_not_read(listener: socket.socket) -> None:
    """Let the system end a connection of *listener* whose client takes nothing for READ_TIMEOUT.

    Also one that is closed already, of which the system still holds what was to be sent. It holds
    little: what waits in the process has a deadline (`pause_writing`).
    """
    milliseconds = round(READ_TIMEOUT * 1000)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_UNSENT)
