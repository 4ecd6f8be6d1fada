"""HTTP below the application: what the parser refuses is answered by the envelope, too."""

import sys
from http import HTTPStatus
from uuid import uuid4

import msgspec
from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.problems import INVALID, NO_SUCH_METHOD, Problem, problem_answer

HEAD_LIMIT = 64 * 1024  # bytes of a request line with its headers; the parser itself has none
# The parser stops before it has read the path: all methods that any path has.
METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 by uvicorn and httptools; refuses in our words, and heads without an end."""

    in_head = True
    head_size = 0

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        super().data_received(data)
        if self.in_head and not self.transport.is_closing():
            self.head_size += len(data)
            if self.head_size > HEAD_LIMIT:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """Start to count a new head."""
        self.in_head, self.head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self.in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — uvicorn's signature and text
        """Answer what is no HTTP, and close the connection."""
        unknown_method = isinstance(sys.exception(), HttpParserInvalidMethodError)
        problem = NO_SUCH_METHOD if unknown_method else INVALID
        self.transport.write(response_to(problem, {"Allow": METHODS} if unknown_method else {}))
        self.transport.close()


def response_to(problem: Problem, more: dict[str, str]) -> bytes:
    """Return *problem* as an HTTP response, in English as the path was not read."""
    request_id = uuid4().hex
    body = msgspec.json.encode(problem_answer(problem, problem.message, request_id))
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
