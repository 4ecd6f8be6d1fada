"""The envelope `result` of every response, and how a response is sent (docs/api.md#responses)."""

from collections.abc import Mapping
from typing import Any

from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.http.preconditions import matches_if_none_match
from app.http.types import ApiRequest

JSON_HEADERS = ((b"content-type", b"application/json"),)
NOT_MODIFIED = 304


class Detail(Struct):
    """An error or a warning about a field; `field` is null if its name cannot be repeated."""

    field: str | None
    code: str
    message: str


class EmptyResult(Struct):
    """Success without data."""

    data: None
    message: str
    status: int


class EmptyResponse(Struct):
    """The response without data."""

    result: EmptyResult


class ErrorResult(Struct, rename="camel"):
    """What went wrong; `requestId` finds it in our logs, and no submitted value is repeated."""

    data: None
    error: str
    message: str
    status: int
    request_id: str
    details: list[Detail] | UnsetType = UNSET


class ErrorResponse(Struct):
    """The response to every request that failed."""

    result: ErrorResult


class RenderedResponse(Struct, frozen=True):
    """A response as it is sent and as it is stored to be replayed."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def render_empty(request: ApiRequest, message: str) -> RenderedResponse:
    """Return the response without data."""
    result = EmptyResult(data=None, message=request.auth.text(message), status=200)
    return RenderedResponse(
        200, encode(EmptyResponse(result)), {"Content-Language": request.auth.tag}
    )


def response_headers(request: ApiRequest, tag: str) -> dict[str, str]:
    """Return the headers of a response with the entity tag *tag*."""
    return {"Content-Language": request.auth.tag, "ETag": tag}


class RawResponse(Response[Any]):
    """Sends a rendered response as it is; Litestar's own reads each header twice."""

    def __init__(self, rendered: RenderedResponse) -> None:
        # Without super().__init__(): it sets what only Litestar's to_asgi_response reads.
        self.rendered = rendered

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:  # pyright: ignore[reportIncompatibleMethodOverride] — Litestar only calls the result
        """Return the ASGI app that sends it."""
        return self.send

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 — ASGI's signature
        """Send it."""
        rendered = self.rendered
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in rendered.headers.items()
        ]
        if rendered.status != NOT_MODIFIED:
            headers += [*JSON_HEADERS, (b"content-length", b"%d" % len(rendered.body))]
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body, "more_body": False})


def to_response(rendered: RenderedResponse) -> RawResponse:
    """Return the HTTP response."""
    return RawResponse(rendered)


def conditional_response(request: ApiRequest, rendered: RenderedResponse) -> RawResponse:
    """Return the HTTP response; 304 without a body if the client has it (RFC 9110, 15.4.5)."""
    if matches_if_none_match(request, rendered.headers["ETag"]):
        return RawResponse(RenderedResponse(NOT_MODIFIED, b"", rendered.headers))
    return RawResponse(rendered)
