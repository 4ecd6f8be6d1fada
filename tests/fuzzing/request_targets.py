"""The parts of a request other than its body: query string, headers, path."""

from functools import partial
from typing import Any

from litestar import Request

from app.http.audit import OF_TREES
from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldError
from app.http.history import OF_ALL
from app.http.idempotency import key_of
from app.http.integrations.cursors import cursor_from, cursor_text, key_in, order_of
from app.http.integrations.list_query import LIST, ORDERS
from app.http.middleware import request_id_from
from app.http.preconditions import expected_versions, is_known, tag_of
from app.http.preferences import is_strict
from app.http.problems import first_segment
from app.http.query_parameters import AS_OF, Parameters
from app.http.timestamps import end_from, moment_from, start_from
from app.http.types import ApiRequest
from app.identifiers import is_integration_id
from app.locales.catalogues import load_catalogues
from tests.fuzzing.target import Target, require

CATALOGUES = load_catalogues()
SEVERAL_YEARS = (
    b"2026-11-05",
    b"2026-11-05T09:00:00.123Z",
    b"0001-01-01",
    b"9999-12-31",
    b"-00:01",
)


def request_with(query: bytes = b"", **headers: bytes) -> ApiRequest:
    """Return a request with this query string and these headers."""
    named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    scope: Any = {"type": "http", "query_string": query, "headers": named}
    return Request(scope)


def read_query(parameters: Parameters[Any], query: bytes) -> None:
    """Read a query string."""
    parameters.read(request_with(query))


def read_cursor(data: bytes) -> None:
    """Read a cursor, and write it again."""
    text = data.decode(errors="replace")
    cursor = cursor_from(text)
    require(cursor_text(order_of(cursor), key_in(cursor)) == text, "one cursor, one text")


def read_moments(data: bytes) -> None:
    """Read a text as the start and the end of a time range, and as a point in time."""
    text = data.decode(errors="replace")
    moment = moment_from(text)
    if isinstance(moment, int):
        require(str(moment) == text.lstrip("0") or moment == 0, "a position is its digits")
        return
    require(start_from(text) <= end_from(text) == moment, "a span does not end before it begins")
    require(moment_from(moment.isoformat()) == moment, "a time is read as it was written")


def read_id(data: bytes) -> None:
    """Read an integration id."""
    text = data.decode(errors="replace")
    if is_integration_id(text):
        require(text.isascii() and len(text) == len("int_") + 26, "an id is 26 digits")


def read_conditions(data: bytes) -> None:
    """Read If-Match and If-None-Match."""
    request = request_with(if_match=data, if_none_match=data)
    versions = expected_versions(request)
    if versions is not None:
        some = [*versions][:3]
        require(all(is_known(request, tag_of(v)) for v in some), "a tag is in its header")


def read_prefer(data: bytes) -> None:
    """Read a preference."""
    is_strict(request_with(prefer=data))


def read_idempotency_key(data: bytes) -> None:
    """Read an Idempotency-Key."""
    key = key_of(request_with(idempotency_key=data))
    require(key is not None and key.isascii() and 0 < len(key) <= 255, "a key is short and plain")


def read_request_id(data: bytes) -> None:
    """Read an X-Request-Id."""
    request_id = request_id_from([(b"x-request-id", data)])
    require(request_id.isascii() and 0 < len(request_id) <= 64, "an id is short and plain")


def read_locale(data: bytes) -> None:
    """Choose a language by the first segment of a path."""
    tag = first_segment(data.decode(errors="replace"))
    language = CATALOGUES.negotiate(tag)
    if tag.isascii():  # the ligature fi is no tag; its capitals are one
        same = language is CATALOGUES.negotiate(tag.upper())
        require(same, "case does not matter in a tag")


def query_target(name: str, parameters: Parameters[Any], *examples: bytes) -> Target:
    """Return the target of the query strings that *parameters* reads."""
    return Target(
        name=name,
        read=partial(read_query, parameters),
        refusals=(InvalidFieldsError,),
        examples=examples,
        words=(b"&", b"=", b";", *(f"&{n}=".encode() for n in parameters.rules), *SEVERAL_YEARS),
        known=(*ORDERS, "999999999999999999", "1000000000"),  # orders and limits
    )


EXAMPLE_CURSOR = b"WyJ0IiwiY3JlYXRlZF9hdCIsZmFsc2UsIjIwMjYtMTEtMDVUMDk6MDA6MDBaIiwiaW50X2EiXQ"
TARGETS = (
    query_target("query-list", LIST, b"channel=EMAIL&isActive=true&q=mail&sort=-name&limit=20"),
    query_target("query-cursor", LIST, b"limit=2&sort=createdAt&cursor=" + EXAMPLE_CURSOR),
    query_target(
        "query-history", OF_ALL, b"userId=u&startDate=2026-11-05&endDate=2026-11-06T10:00Z"
    ),
    query_target("query-proof", OF_TREES, b"from=1&to=12"),
    query_target("query-as-of", AS_OF, b"asOf=2026-11-05T09:00:00%2B01:00", b"asOf=12"),
    Target(
        name="cursor",
        read=read_cursor,
        refusals=(FieldError,),
        examples=(EXAMPLE_CURSOR, b"WyJuIixmYWxzZSwibWFpbCIsImludF9hIl0"),
    ),
    Target(
        name="moment",
        read=read_moments,
        refusals=(FieldError,),
        examples=(*SEVERAL_YEARS[:3], b"2026-11-05T09:00:00 23:59", b"1200"),
        words=SEVERAL_YEARS,
    ),
    Target(name="id", read=read_id, examples=(b"int_01jmhbnh5sexrt0p1k7vtm4ttz",)),
    Target(
        name="conditions",
        read=read_conditions,
        examples=(b'"1", W/"2", "3"', b"*"),
        words=(b'"', b"W/", b", "),
    ),
    Target(
        name="prefer",
        read=read_prefer,
        examples=(b'respond-async, handling="strict"; a="b"', b"wait=5, handling=lenient"),
        words=(b'="', b'\\"', b";", b", ", b"handling=strict"),
    ),
    Target(
        name="idempotency-key",
        read=read_idempotency_key,
        refusals=(InvalidFieldsError,),
        examples=(b"8e03978e-40d5-43e8-bc93-6894a57f9324",),
    ),
    Target(name="request-id", read=read_request_id, examples=(b"req-1",)),
    Target(
        name="locale",
        read=read_locale,
        examples=(
            b"/zh-Hant-TW/api/integration",
            b"/de-CH-1996/api",
            b"/x-a-b/",
            b"/i-klingon/",
            "/\ufb01/".encode(),
        ),
        words=(b"-x-", b"-a-", b"-1996", b"/"),
    ),
)
