"""The envelope `result` of every response, and how a response is sent (contract, 1 and 4)."""

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
    """One wrong or doubtful field; `field` is null where its name cannot be repeated."""

    field: str | None
    code: str
    message: str


class EmptyResult(Struct):
    """Done, and nothing to show."""

    data: None
    message: str
    status: int


class EmptyResponse(Struct):
    """The answer without data."""

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
    """The answer to every request that failed."""

    result: ErrorResult


class RenderedResponse(Struct, frozen=True):
    """An answer as it goes out; its headers are also those of its repeats."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def render_empty(request: ApiRequest, message: str) -> RenderedResponse:
    """Return the answer that has nothing to show."""
    result = EmptyResult(data=None, message=request.auth.text(message), status=200)
    return RenderedResponse(
        200, encode(EmptyResponse(result)), {"Content-Language": request.auth.tag}
    )


def response_headers(request: ApiRequest, tag: str) -> dict[str, str]:
    """Return the headers of an answer that shows what *tag* stands for."""
    return {"Content-Language": request.auth.tag, "ETag": tag}


class RawResponse(Response[Any]):
    """A response that goes out as it was rendered; Litestar's own looks at each header twice."""

    def __init__(self, rendered: RenderedResponse) -> None:
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
            headers += [*JSON_HEADERS, (b"content-length", b"%d" % len(rendered.body))]
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body, "more_body": False})


def to_response(rendered: RenderedResponse) -> RawResponse:
    """Return the HTTP response."""
    return RawResponse(rendered)


def conditional_response(request: ApiRequest, rendered: RenderedResponse) -> RawResponse:
    """Return the HTTP response; 304 without a body where the client knows it (RFC 9110, 15.4.5)."""
    if matches_if_none_match(request, rendered.headers["ETag"]):
        return RawResponse(RenderedResponse(NOT_MODIFIED, b"", rendered.headers))
    return RawResponse(rendered)
