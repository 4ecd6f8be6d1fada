"""A server of a test, in a thread of this process."""

from collections.abc import Generator
from contextlib import contextmanager
from http.server import HTTPServer
from threading import Thread
from typing import TypeVar

Server = TypeVar("Server", bound=HTTPServer)


@contextmanager
def serving(server: Server) -> Generator[Server]:
    """Let *server* respond as long as the block runs."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Quiet:
    """A handler of requests that logs nothing; goes in front of BaseHTTPRequestHandler."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Stay silent."""
