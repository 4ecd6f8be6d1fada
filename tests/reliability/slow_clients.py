"""Slow clients: they send a body in two halves, or read a response late, or never.

Each is a thread with a socket of its own, connected before the service gets its signal to stop.
"""

import contextlib
import socket
import time
from threading import Thread
from urllib.parse import urlsplit

import msgspec

from app.http.docs.page import ASSETS, FOLDER
from app.http.docs.page import PATH as DOCS
from app.web_assets import read_asset
from tests.reliability.environment import Environment
from tests.reliability.request_ledger import RecordedRequest

LATE = 2.0  # seconds
TIMEOUT = 20.0  # seconds
LARGE = "swagger_ui/swagger-ui-bundle.js"  # more than a megabyte


class SlowClient(Thread):
    """One client; `response` is all that it has read when it ends."""

    def __init__(self, environment: Environment, head: str, *, wait: float) -> None:
        super().__init__(daemon=True)
        self.wait = wait
        self.response = b""
        server = urlsplit(environment.service.address)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect((server.hostname, server.port))
        self.port: int = self.socket.getsockname()[1]
        self.socket.sendall(head.encode())

    def read(self) -> None:
        """Read until the other end closes."""
        try:
            while got := self.socket.recv(65536):
                self.response += got
        except OSError:
            pass
        self.socket.close()

    @property
    def status(self) -> int:
        """The status of the response, or 0."""
        first = self.response.split(b"\r\n", 1)[0].split()
        return int(first[1]) if len(first) > 1 else 0

    @property
    def is_whole(self) -> bool:
        """Whether the response is as long as it says."""
        head, _, body = self.response.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")]
        return bool(lengths) and len(body) == int(lengths[0].split(b":")[1])


class SlowSender(SlowClient):
    """Sends *request*: half of the body at once, the rest after *wait* seconds."""

    def __init__(self, environment: Environment, request: RecordedRequest, *, wait: float) -> None:
        body = msgspec.json.encode(request.json)
        request.request_ids.append(f"slow-{request.number}")
        head = (
            f"{request.method} {request.path} HTTP/1.1\r\nHost: slow\r\n"
            f"Authorization: Bearer {environment.service.token(request.workspace)}\r\n"
            f"X-Request-Id: {request.request_ids[-1]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        super().__init__(environment, head + body[: len(body) // 2].decode(), wait=wait)
        self.rest = body[len(body) // 2 :]

    def run(self) -> None:
        """Send the rest, late, and read."""
        time.sleep(self.wait)
        with contextlib.suppress(OSError):
            self.socket.sendall(self.rest)
        self.read()


class SlowReader(SlowClient):
    """Requests something large, and begins to read it after *wait* seconds."""

    def __init__(self, environment: Environment, *, wait: float) -> None:
        path = read_asset(FOLDER / LARGE, DOCS + ASSETS).path
        super().__init__(environment, f"GET {path} HTTP/1.1\r\nHost: slow\r\n\r\n", wait=wait)

    def run(self) -> None:
        """Read, late."""
        time.sleep(self.wait)
        self.read()


class Idler(SlowClient):
    """Sends one request, and keeps its connection open."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, "GET /health/live HTTP/1.1\r\nHost: idle\r\n\r\n", wait=0)

    def run(self) -> None:
        """Read what comes, until the other end closes."""
        self.read()
