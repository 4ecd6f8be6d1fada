"""The parts of a request other than its body: query string, headers, path."""

from functools import partial
from itertools import islice
from typing import Any

from litestar import Request

from app.http.audit import CONSISTENCY_QUERY
from app.http.error_responses import path_locale
from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldError
from app.http.history import HISTORY_QUERY
from app.http.idempotency import idempotency_key
from app.http.integrations.cursors import cursor_key, cursor_order, decode_cursor, encode_cursor
from app.http.integrations.list_query import LIST_QUERY, ORDERS
from app.http.middleware import choose_request_id
from app.http.preconditions import etag, if_match_versions, matches_if_none_match
from app.http.preferences import prefers_strict
from app.http.query_parameters import AS_OF_QUERY, QuerySchema
from app.http.timestamps import parse_end, parse_point_in_time, parse_start
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


def read_query(parameters: QuerySchema[Any], query: bytes) -> None:
    """Read a query string."""
    parameters.read(request_with(query))


def read_cursor(data: bytes) -> None:
    """Read a cursor, and write it again."""
    text = data.decode(errors="replace")
    cursor = decode_cursor(text)
    require(encode_cursor(cursor_order(cursor), cursor_key(cursor)) == text, "one cursor, one text")


def read_moments(data: bytes) -> None:
    """Read a text as the start and the end of a time range, and as a point in time."""
    text = data.decode(errors="replace")
    moment = parse_point_in_time(text)
    if isinstance(moment, int):
        require(str(moment) == text.lstrip("0") or moment == 0, "a position is its digits")
        return
    require(parse_start(text) <= parse_end(text) == moment, "a span does not end before it begins")
    require(parse_point_in_time(moment.isoformat()) == moment, "a time is read as it was written")


def read_id(data: bytes) -> None:
    """Read an integration id."""
    text = data.decode(errors="replace")
    if is_integration_id(text):
        require(text.isascii() and len(text) == len("int_") + 26, "an id is 26 digits")


def read_conditions(data: bytes) -> None:
    """Read If-Match and If-None-Match."""
    request = request_with(if_match=data, if_none_match=data)
    versions = if_match_versions(request)
    if versions is not None:
        some = islice(versions, 3)
        require(
            all(matches_if_none_match(request, etag(v)) for v in some), "a tag is in its header"
        )


def read_prefer(data: bytes) -> None:
    """Read a preference."""
    prefers_strict(request_with(prefer=data))


def read_idempotency_key(data: bytes) -> None:
    """Read an Idempotency-Key."""
    key = idempotency_key(request_with(idempotency_key=data))
    require(key is not None and key.isascii() and 0 < len(key) <= 255, "a key is short and plain")


def read_request_id(data: bytes) -> None:
    """Read an X-Request-Id."""
    request_id = choose_request_id([(b"x-request-id", data)])
    require(request_id.isascii() and 0 < len(request_id) <= 64, "an id is short and plain")


def read_locale(data: bytes) -> None:
    """Choose a language by the first segment of a path."""
    tag = path_locale(data.decode(errors="replace"))
    language = CATALOGUES.negotiate(tag)
    if tag.isascii():  # the ligature fi is no tag; its capitals are one
        same = language is CATALOGUES.negotiate(tag.upper())
        require(same, "case does not matter in a tag")


def query_target(name: str, parameters: QuerySchema[Any], *examples: bytes) -> Target:
    """Return the target of the query strings that *parameters* reads."""
    return Target(
        name=name,
        read=partial(read_query, parameters),
        refusals=(InvalidFieldsError,),
        examples=examples,
        words=(b"&", b"=", b";", *(f"&{n}=".encode() for n in parameters.rules), *SEVERAL_YEARS),
        known=(", ".join(ORDERS), "999999999999999999", "1000000000\n"),  # orders and limits
    )


EXAMPLE_CURSOR = b"WyJ0IiwiY3JlYXRlZF9hdCIsZmFsc2UsIjIwMjYtMTEtMDVUMDk6MDA6MDBaIiwiaW50X2EiXQ"
TARGETS = (
    query_target(
        "query-list", LIST_QUERY, b"channel=EMAIL&isActive=true&q=mail&sort=-name&limit=20"
    ),
    query_target("query-cursor", LIST_QUERY, b"limit=2&sort=createdAt&cursor=" + EXAMPLE_CURSOR),
    query_target(
        "query-history", HISTORY_QUERY, b"userId=u&startDate=2026-11-05&endDate=2026-11-06T10:00Z"
    ),
    query_target("query-proof", CONSISTENCY_QUERY, b"from=1&to=12"),
    query_target("query-as-of", AS_OF_QUERY, b"asOf=2026-11-05T09:00:00%2B01:00", b"asOf=12"),
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
