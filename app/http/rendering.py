"""How an answer goes out: envelope, language, entity tag."""

from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import UNSET, Struct
from msgspec.json import encode

from app.http.cursors import cursor_text
from app.http.preconditions import is_known, tag_of, tag_of_list
from app.http.problems import details_from
from app.http.request_bodies import Found
from app.http.responses import (
    ApiRequest,
    IntegrationAnswer,
    IntegrationListAnswer,
    IntegrationListResult,
    IntegrationResult,
    NothingAnswer,
    NothingResult,
    object_from,
)
from app.views.listing import Order
from app.views.lists import Page
from projections.integration_view import IntegrationRow

OF_JSON = ((b"content-type", b"application/json"),)
NOT_MODIFIED = 304


class Rendered(Struct, frozen=True):
    """An answer as it goes out; its headers are also those of its repeats."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def render_created(
    request: ApiRequest, row: IntegrationRow, location: str, found: Iterable[Found]
) -> Rendered:
    """Return the answer that shows a new integration, which is found at *location*."""
    body = one(request, row, "Integration created successfully", 201, found)
    return Rendered(201, body, {**headers_of(request, tag_of(row.version)), "Location": location})


def render_one(
    request: ApiRequest, row: IntegrationRow, message: str, found: Iterable[Found] = ()
) -> Rendered:
    """Return the answer that shows one integration."""
    body = one(request, row, message, 200, found)
    return Rendered(200, body, headers_of(request, tag_of(row.version)))


def render_list(request: ApiRequest, page: Page, order: Order) -> Rendered:
    """Return the answer that shows *page* of a list in *order*."""
    result = IntegrationListResult(
        data=[object_from(row) for row in page.rows],
        message=request.auth.text("Integrations fetched successfully"),
        status=200,
        total_count=page.total,
        next_cursor=UNSET if page.next is None else cursor_text(order, page.next),
    )
    headers = headers_of(request, tag_of_list(page.rows, page.total))
    return Rendered(200, encode(IntegrationListAnswer(result)), headers)


def render_nothing(request: ApiRequest, message: str) -> Rendered:
    """Return the answer that has nothing to show."""
    result = NothingResult(data=None, message=request.auth.text(message), status=200)
    return Rendered(200, encode(NothingAnswer(result)), {"Content-Language": request.auth.tag})


def one(
    request: ApiRequest, row: IntegrationRow, message: str, status: int, found: Iterable[Found]
) -> bytes:
    """Return the envelope with one integration."""
    warnings = details_from(found, request.auth)
    result = IntegrationResult(
        data=object_from(row),
        message=request.auth.text(message),
        status=status,
        warnings=warnings or UNSET,
    )
    return encode(IntegrationAnswer(result))


def headers_of(request: ApiRequest, tag: str) -> dict[str, str]:
    """Return the headers of an answer that shows what *tag* stands for."""
    return {"Content-Language": request.auth.tag, "ETag": tag}


class RenderedResponse(Response[Any]):
    """A response that goes out as it was rendered; Litestar's own looks at each header twice."""

    def __init__(self, rendered: Rendered) -> None:
        # Without Litestar's own: it fills what only its own to_asgi_response reads.
        self.rendered = rendered

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:  # pyright: ignore[reportIncompatibleMethodOverride] — Litestar has nothing to add, and only calls what is returned
        """Return what sends it."""
        return self.send

    async def send(self, _: Scope, __: Receive, send: Send) -> None:
        """Send it."""
        rendered = self.rendered
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in rendered.headers.items()
        ]
        if rendered.status != NOT_MODIFIED:
            headers += [*OF_JSON, (b"content-length", b"%d" % len(rendered.body))]
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body, "more_body": False})


def response_of(rendered: Rendered) -> RenderedResponse:
    """Return the HTTP response."""
    return RenderedResponse(rendered)


def response_or_unchanged(request: ApiRequest, rendered: Rendered) -> RenderedResponse:
    """Return the HTTP response; 304 without a body where the client knows it (RFC 9110, 15.4.5)."""
    if is_known(request, rendered.headers["ETag"]):
        return RenderedResponse(Rendered(NOT_MODIFIED, b"", rendered.headers))
    return RenderedResponse(rendered)
