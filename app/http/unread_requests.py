"""Refuses requests that could not be read: the problem, the response and the log line."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
import structlog
from httptools import (
    HttpParserCallbackError,
    HttpParserInvalidMethodError,
    HttpParserInvalidURLError,
)

from app.http.error_responses import error_envelope
from app.http.middleware import new_request_id
from app.http.problems import INVALID_REQUEST, METHOD_NOT_ALLOWED, Problem
from app.http.query_parameters import NOT_UTF_8

# The parser stops before it has read the path: all methods that any path has.
METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"
INVALID_ADDRESS = Problem(400, "VALIDATION_ERROR", NOT_UTF_8.message)
log = structlog.get_logger(source="access")


def parser_problem(error: BaseException | None) -> tuple[Problem, Mapping[str, str]]:
    """Return the problem that the parser's *error* means, and the headers of its response."""
    match error.__context__ if isinstance(error, HttpParserCallbackError) else error:
        case HttpParserInvalidMethodError():
            return METHOD_NOT_ALLOWED, {"Allow": METHODS}
        case HttpParserInvalidURLError():
            return INVALID_ADDRESS, {}
        case _:
            return INVALID_REQUEST, {}


def refuse_unread(problem: Problem, more: Mapping[str, str]) -> bytes:
    """Return *problem* as an HTTP response with a new request id, and log the id.

    It is in English, as the path was not read.
    """
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
    log.info("unread_request", status=problem.status, request_id=request_id)
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
