"""httptools' parser of requests, without its support for other protocols than HTTP.

We speak no other, and such a server ignores Upgrade (RFC 9110, 7.8). httptools does not: it takes a
request that asks for an upgrade as complete with its head, and its body as the next request. Java's
HttpClient asks for h2c in each request.
"""

from typing import Protocol

from httptools import HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser


class Head(Protocol):
    """What the parser has reported of a request: all but method and version, which it has."""

    url: bytes
    headers: list[tuple[bytes, bytes]]


class RequestParser(HttpRequestParser):
    """Reads a request that asks for an upgrade again, without Upgrade, and then its body.

    So its head is reported twice; `should_upgrade` is true for the first one.
    """

    def __init__(self, protocol: Head) -> None:
        self._protocol = protocol
        self._start()

    def _start(self) -> None:
        """Take the next byte as the first of a connection."""
        super().__init__(self._protocol)
        # As uvicorn has it: bytes after a request that closes the connection are dropped, instead
        # of an error that would take the place of its response.
        self.set_dangerous_leniencies(lenient_data_after_close=True)

    def feed_data(self, data: bytes | memoryview) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] — all that uvicorn gives it
        """Parse the next bytes of the connection."""
        try:
            super().feed_data(data)
        except HttpParserUpgrade as upgrade:
            head = self._head_without_upgrade()
            self._start()  # after a head that closes the connection it would read no other
            super().feed_data(head)
            self.feed_data(memoryview(data)[upgrade.args[0] :])

    def _head_without_upgrade(self) -> bytes:
        """Return the head that was read, as it must have been for a request without Upgrade."""
        target, version = self._protocol.url, self.get_http_version().encode()
        lines = [self.get_method() + b" " + target + b" HTTP/" + version]
        lines += [
            name + b": " + value for name, value in self._protocol.headers if name != b"upgrade"
        ]
        return b"\r\n".join([*lines, b"", b""])


def refuse_tunnel(parser: HttpRequestParser) -> None:
    """Refuse CONNECT, after which no more HTTP comes.

    Raises:
        HttpParserInvalidMethodError: the request is for a tunnel.
    """
    if parser.get_method() == b"CONNECT":
        raise HttpParserInvalidMethodError
