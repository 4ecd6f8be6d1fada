"""A server in front of npm's prism, which forces answers and keeps what prism finds wrong."""

import json
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.serving import Quiet

NO_TOKEN_SERVER = {"access_token": "ya29.token"}  # Google's token endpoint is not in the document


class Proxy(ThreadingHTTPServer):
    """A server in front of prism: it adds `Prefer`, and keeps what prism finds wrong with us."""

    daemon_threads = True

    def __init__(self, prism: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.prism = prism
        self.prefer = ""
        self.asked: list[str] = []
        self.behalves: list[str | None] = []  # values of on-behalf-of
        self.violations: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(Quiet, BaseHTTPRequestHandler):
    """Sends each request on to prism."""

    server: Proxy  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        """Send the request on, and its answer back."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.behalves.append(self.headers.get("on-behalf-of"))
        if self.path == "/fcm/token":
            self.answer(200, json.dumps(NO_TOKEN_SERVER).encode())
            return
        headers = dict(self.headers.items())
        if self.server.prefer:
            headers["Prefer"] = self.server.prefer
        prism = HTTPConnection("127.0.0.1", self.server.prism, timeout=10)
        try:
            prism.request(self.command, self.path, body, headers)
            answer = prism.getresponse()
            content = answer.read()
            self.server.violations += violations_in(answer.headers, content)
            self.answer(answer.status, content)
        finally:
            prism.close()

    do_POST = do_GET  # noqa: N815 — the standard library looks for these names

    def answer(self, status: int, body: bytes) -> None:
        """Answer with *body*, which is JSON."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def violations_in(headers: Message, content: bytes) -> list[dict[str, Any]]:
    """Return what prism found wrong with a request; what is wrong with answers is its own doing."""
    if headers.get_content_type() == "application/problem+json":
        return [json.loads(content)]
    found = json.loads(headers.get("sl-violations", "[]"))
    return [one for one in found if one["location"][0] != "response"]
