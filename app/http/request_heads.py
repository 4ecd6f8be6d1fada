"""What the head of every request must be, before anything else reads it (RFC 9110, RFC 9112).

Litestar's own middleware does not run for 404 and 405, so this wraps the whole application.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from app.http.error_responses import render_error
from app.http.errors import FieldFinding, InvalidFieldsError, UnsupportedTransferEncodingError
from app.http.field_rules import FieldProblem
from app.http.middleware import ASGI
from app.http.responses import to_response
from app.locales.catalogues import Catalogues
from domain.errors import IntegrationNotFoundError

REPEATED = FieldProblem("REPEATED_HEADER", "This header may come only once")
INVALID_HOST = FieldProblem("INVALID_HEADER", "This must be one host, with or without a port")
MAX_PARAMETERS = 100  # no request needs more; reading thousands would stop all others
TOO_MANY_PARAMETERS = FieldProblem(
    "TOO_MANY_PARAMETERS",
    "There are more than {maximum} parameters",
    {"maximum": MAX_PARAMETERS},
)
# Headers that we read and that are no lists; the parser refuses a second Content-Length itself.
# Which of two values counts would be a guess, and a proxy could guess otherwise.
SINGLE_HEADERS = {
    b"host": "Host",
    b"authorization": "Authorization",
    b"content-type": "Content-Type",
    b"idempotency-key": "Idempotency-Key",
    b"last-event-id": "Last-Event-ID",
}
# A registered name, which our clients have from DNS or a file of hosts, or an address; and a port.
HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2}){1,255}|\[([0-9A-Fa-f:.]+)\])(?::(\d{0,5}))?"
)
MAX_PORT = 65_535
# An encoded slash belongs to a name, and nothing between two is a name, too: none of ours has them.
# The router would read both as one slash; a proxy in front may have seen another path.
OTHER_SPELLING = re.compile(rb"%2[fF]|//")


class RequestHeadCheck:
    """Refuses a request whose head is ambiguous; calls *app* for any other."""

    def __init__(self, app: ASGI, catalogues: Catalogues) -> None:
        self.app = app
        self.catalogues = catalogues

    async def __call__(self, scope: ASGI, receive: ASGI, send: ASGI) -> None:
        """Handle one HTTP request; other scopes pass through."""
        error = head_error(scope) if scope["type"] == "http" else None
        if error is None:
            await self.app(scope, receive, send)
            return
        await to_response(render_error(self.catalogues, scope, error)).send(scope, receive, send)


def head_error(scope: ASGI) -> Exception | None:
    """Return what is wrong with the head of a request; None if nothing is."""
    if found := [*find_head_problems(scope)]:
        return InvalidFieldsError(found)
    codings = b",".join(value for name, value in scope["headers"] if name == b"transfer-encoding")
    if any(each.strip().lower() not in (b"", b"chunked") for each in codings.split(b",")):
        return UnsupportedTransferEncodingError()  # the server takes off chunks and nothing else
    return IntegrationNotFoundError() if OTHER_SPELLING.search(scope["raw_path"]) else None


def find_head_problems(scope: ASGI) -> Iterator[FieldFinding]:
    """Find too many parameters, headers that come twice, and a missing or invalid Host."""
    if scope["query_string"].count(b"&") >= MAX_PARAMETERS:
        yield None, TOO_MANY_PARAMETERS
    headers = scope["headers"]
    names = [name for name, _ in headers]
    for name, shown in SINGLE_HEADERS.items():
        if names.count(name) > 1:
            yield shown, REPEATED
    if b"host" not in names:
        if scope["http_version"] != "1.0":  # HTTP/1.0 has no Host
            yield "Host", INVALID_HOST
    elif not is_host(next(value for name, value in headers if name == b"host")):
        yield "Host", INVALID_HOST


def is_host(value: bytes) -> bool:
    """Return whether *value* is a host with or without a port; an empty one names nobody."""
    found = HOST.fullmatch(value)
    if not found or int(found[2] or 0) > MAX_PORT:
        return False
    try:
        return found[1] is None or bool(IPv6Address(found[1].decode()))
    except ValueError:
        return False
