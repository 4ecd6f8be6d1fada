"""The envelope `result` of every response, and how a response is sent (contract, 1 and 4)."""

from collections.abc import Mapping
from typing import Any

from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.http.preconditions import is_known
from app.http.types import ApiRequest

OF_JSON = ((b"content-type", b"application/json"),)
NOT_MODIFIED = 304


class Detail(Struct):
    """One wrong or doubtful field; `field` is null where its name cannot be repeated."""

    field: str | None
    code: str
    message: str


class NothingResult(Struct):
    """Done, and nothing to show."""

    data: None
    message: str
    status: int


class NothingAnswer(Struct):
    """The answer without data."""

    result: NothingResult


class ProblemResult(Struct, rename="camel"):
    """What went wrong; `requestId` finds it in our logs, and no submitted value is repeated."""

    data: None
    error: str
    message: str
    status: int
    request_id: str
    details: list[Detail] | UnsetType = UNSET


class ProblemAnswer(Struct):
    """The answer to every request that failed."""

    result: ProblemResult


class Rendered(Struct, frozen=True):
    """An answer as it goes out; its headers are also those of its repeats."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def render_nothing(request: ApiRequest, message: str) -> Rendered:
    """Return the answer that has nothing to show."""
    result = NothingResult(data=None, message=request.auth.text(message), status=200)
    return Rendered(200, encode(NothingAnswer(result)), {"Content-Language": request.auth.tag})


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
