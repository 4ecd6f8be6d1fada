"""A provider that a test makes say anything."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.serving import Quiet, serving
from tests.support.waiting import wait_until

TWILIO_REFUSES = {"code": 20003, "message": "Authenticate", "status": 401}
SENDGRID_REFUSES = {"errors": [{"message": "Permission denied, wrong credentials", "field": None}]}
CANARY = "canary-of-the-provider-61d0c1"


class Provider(ThreadingHTTPServer):
    """Any provider: it gives every request the same response."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.content = 200, b""
        self.requests = 0
        self.refusals = 0  # of the next requests, before the response
        self.paths: list[str] = []
        self.held = ""  # waits for `release`: a request with this in its credentials
        self.release = threading.Event()
        self.release.set()

    def say(self, status: int, content: object) -> None:
        """Respond with *status* and *content* from now on."""
        self.status, self.content = status, json.dumps(content).encode()

    def wait_for_requests(self, count: int) -> None:
        """Return once there were *count* requests."""
        wait_until(lambda: self.requests >= count)


class Handler(Quiet, BaseHTTPRequestHandler):
    """One request to the provider."""

    server: Provider  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        """Respond as `say` has it."""
        self.server.requests += 1
        if self.server.held in self.headers.get("Authorization", ""):
            self.server.release.wait(10)
        self.server.paths.append(self.path)
        if self.server.refusals > 0:
            self.server.refusals -= 1
            self.send_response(401)
            self.end_headers()
            self.wfile.write(json.dumps(TWILIO_REFUSES).encode())
            return
        self.send_response(self.server.status)
        self.send_header("X-Canary", CANARY)
        self.send_header("Set-Cookie", CANARY)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    do_POST = do_GET  # noqa: N815 — its name there


@contextmanager
def running_provider() -> Generator[Provider]:
    """A provider that listens, on a free port."""
    with serving(Provider()) as provider:
        yield provider
