"""Calls the HTTP API in process, as the person of a session: the console has no other source.

A call is one ASGI request behind the outer middleware, so a page is one line in the access log.
It hands on the caller's address and the id of the request.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.json import decode, encode
from msgspec.structs import replace

ASGI = Any  # each library types scopes and messages in its own way
T = TypeVar("T")
ERROR = 400  # and above (RFC 9110, section 15.5)
PASSED_HEADERS = frozenset({b"host", b"user-agent", b"x-forwarded-for", b"x-request-id"})
# Of the scope; the last two are what the outer middleware notes for the request.
PASSED_SCOPE_KEYS = ("type", "asgi", "http_version", "scheme", "server", "client", "root_path")
REQUEST_ID, SENT_METHOD = "integrations_request_id", "integrations_method"
Query = Mapping[str, str | None]


class Detail(Struct, frozen=True):
    """What is wrong with one field, or odd about it; of the whole request if it names none."""

    field: str | None
    code: str
    message: str


class ErrorResult(Struct, rename="camel", frozen=True):
    """What the API says about an error."""

    error: str
    message: str
    request_id: str
    details: tuple[Detail, ...] = ()


class ErrorEnvelope(Struct, frozen=True):
    """The body of an error."""

    result: ErrorResult


class Result(Struct, Generic[T], rename="camel", frozen=True):
    """What the API gives: the data, what stands next to it, and its version."""

    data: T
    total_count: int = 0
    next_cursor: str | None = None
    warnings: tuple[Detail, ...] = ()
    etag: str | None = None
    is_replayed: bool = False

    def changes(self, etag: str | None) -> bool:
        """Whether this is not the version *etag* still; a request sent twice has done it before."""
        return self.is_replayed or self.etag != etag


class Envelope(Struct, Generic[T], frozen=True):
    """The body of a response."""

    result: Result[T]


class ApiError(Exception):
    """The API refused; `status` and `result` say why, `retry_after` is in seconds."""

    def __init__(self, status: int, result: ErrorResult, retry_after: str | None) -> None:
        super().__init__(f"{status} {result.error}")
        self.status = status
        self.result = result
        self.retry_after = retry_after


class ApiRequest(Struct, frozen=True, kw_only=True):
    """What to ask of the API: a path behind `/{locale}/api/`, and what goes with it."""

    method: str = "GET"
    path: str
    query: Query = {}
    body: object = None
    headers: Mapping[str, str] = {}


class ApiClient:
    """The API, called for one request of a person, which is *scope*; *token* is the person's.

    *receive* says if the person leaves; a form must have been read before.
    """

    def __init__(self, app: ASGI, scope: ASGI, receive: ASGI, token: str, locale: str) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._token = token
        self._locale = locale

    async def get(self, shape: type[T], path: str, query: Query | None = None) -> Result[T]:
        """Return what the API has at *path*, as *shape*; raise ApiError if it refuses."""
        return await self.send(shape, ApiRequest(path=path, query=query or {}))

    async def send(self, shape: type[T], request: ApiRequest) -> Result[T]:
        """Return the response to *request*, its data as *shape*; raise ApiError if it refuses."""
        response = CollectedResponse()
        await self.forward(request, response.collect)
        if response.status >= ERROR:
            raise response.error()
        return replace(
            decode(response.body, type=Envelope[shape]).result,
            etag=response.get("etag"),
            is_replayed=response.get("idempotency-replayed") is not None,
        )

    async def forward(self, request: ApiRequest, send: ASGI) -> None:
        """Send *request*, and give the messages of the response to *send* as they come."""
        body = b"" if request.body is None else encode(request.body)
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> ASGI:
            return next(messages, None) or await self._until_left()

        await self._app(self._api_scope(request, body), receive, send)

    async def _until_left(self) -> ASGI:
        """Wait until the person leaves: what reads much ends then."""
        while (message := await self._receive())["type"] != "http.disconnect":
            pass
        return message

    def _api_scope(self, request: ApiRequest, body: bytes) -> ASGI:
        path = f"/{self._locale}/api/{request.path}"
        given = {name: value for name, value in request.query.items() if value is not None}
        headers = [each for each in self._scope["headers"] if each[0] in PASSED_HEADERS]
        own = {"Authorization": f"Bearer {self._token}", **request.headers}
        if request.body is not None:
            own |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        headers += [(name.lower().encode(), value.encode()) for name, value in own.items()]
        return {
            **{key: self._scope.get(key) for key in PASSED_SCOPE_KEYS},
            REQUEST_ID: self._scope[REQUEST_ID],
            SENT_METHOD: request.method,
            "method": request.method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": urlencode(given).encode(),
            "headers": headers,
        }


class CollectedResponse:
    """A response, of which all messages are kept."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def collect(self, message: ASGI) -> None:
        """Keep *message*."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self.body += message.get("body", b"")

    def get(self, header: str) -> str | None:
        """Return the value of *header*; None if it is not there."""
        return self.headers.get(header.encode(), b"").decode() or None

    def error(self) -> ApiError:
        """Return what the API says if it refused."""
        result = decode(self.body, type=ErrorEnvelope).result
        return ApiError(self.status, result, self.get("retry-after"))
