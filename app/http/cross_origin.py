"""Cross-origin access: which origins a browser lets read our responses (CORS, the Fetch standard).

Tokens are bearer headers that a page must know, and there are no cookies: so credentials are never
allowed, and an origin that is not named can do nothing that it could not do without a browser.
"""

from collections.abc import Iterable

from app.http.middleware import ASGI, Header

MAX_AGE = 600  # seconds that a browser keeps the answer to a preflight
ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
# All (*): tracing adds its own to each request of a page, and no header gives a right that a client
# without a browser does not have. Browsers before 2022 read the names alone, and * never stands for
# Authorization.
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, "
    "X-Request-Id, *"
)
EXPOSED_HEADERS = (
    "ETag, Idempotency-Replayed, Location, Preference-Applied, Retry-After, WWW-Authenticate, "
    "X-Request-Id"
)
VARY = (b"vary", b"Origin")
# What a preflight gets that is otherwise in order. It is answered for unknown paths, too: else a
# browser would not send the request, and a page could not read its 404.
PREFLIGHT_STATUSES = (404, 405)
PREFLIGHT_HEADERS = [
    (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
    (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
    (b"access-control-max-age", str(MAX_AGE).encode()),
]


class CrossOriginMiddleware:
    """Adds the headers of cross-origin access to every response of *app*, answers preflights.

    Litestar's own middleware does not run for 404 and 405, and it would list other methods.
    """

    def __init__(self, app: ASGI, origins: Iterable[str]) -> None:
        self.app = app
        self.origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: ASGI, receive: ASGI, send: ASGI) -> None:
        """Handle one HTTP request; other scopes pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = self.known_origin(scope["headers"])
        response = CrossOriginResponse(
            send, origin, preflight=origin is not None and is_preflight(scope)
        )
        await self.app(scope, receive, response.send)

    def known_origin(self, headers: Iterable[Header]) -> bytes | None:
        """Return the origin in *headers* if there is one and it is named in the settings."""
        given = [value for name, value in headers if name == b"origin"]
        return given[0] if len(given) == 1 and given[0] in self.origins else None


def is_preflight(scope: ASGI) -> bool:
    """Return whether a browser asks with this request which requests it may send."""
    # RequestMiddleware has made TRACE of OPTIONS, which no path has.
    return scope["method"] == "TRACE" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


class CrossOriginResponse:
    """The response to a request from *origin*, None if that may not read it."""

    def __init__(self, send: ASGI, origin: bytes | None, *, preflight: bool) -> None:
        self._send = send
        self._origin = origin
        self._preflight = preflight
        self._empty = False

    async def send(self, message: ASGI) -> None:
        """Send *message*, or the answer to a preflight instead of it."""
        if message["type"] == "http.response.start":
            self._empty = self._preflight and message["status"] in PREFLIGHT_STATUSES
            message = self._answer_preflight() if self._empty else self._add_headers(message)
        elif self._empty:
            message = message | {"body": b""}
        await self._send(message)

    def _answer_preflight(self) -> ASGI:
        headers = [VARY, *self._allow_origin(), *PREFLIGHT_HEADERS]
        return {"type": "http.response.start", "status": 204, "headers": headers}

    def _add_headers(self, message: ASGI) -> ASGI:
        exposed = (b"access-control-expose-headers", EXPOSED_HEADERS.encode())
        more = [*self._allow_origin(), exposed] if self._origin else []
        return message | {"headers": [*message.get("headers", ()), VARY, *more]}

    def _allow_origin(self) -> list[Header]:
        return [(b"access-control-allow-origin", self._origin)] if self._origin else []


def split_origins(setting: str | None) -> list[str]:
    """Return the origins in *setting*, which are separated by commas."""
    return [origin.strip() for origin in setting.split(",")] if setting else []
