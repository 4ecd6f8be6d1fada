"""Requests to the service: its address, the token, repeats, and which error a response becomes."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from inspect import isawaitable
from itertools import count
from time import monotonic

import httpx

from integrations_client.errors import (
    ConfigurationError,
    DefaultInactiveError,
    ForbiddenError,
    IntegrationInactiveError,
    NoDefaultError,
    NotFoundError,
    RateLimitedError,
    RecipientRequiredError,
    RefusedError,
    ServiceError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedResponseError,
)
from integrations_client.json_values import Json, as_object, decode_object

Token = str | Callable[[], str | Awaitable[str]]
# In the service's languages: a proxy's prefix may be /it/api or /eu/api.
API_PATH = re.compile(r"(?<!/)/(?:ar|de|en|es|fr|pt|tr)(?:-\w+)*/api(?![^/?#])", re.IGNORECASE)
FIRST_DELAY = 0.1  # seconds; doubled for each repeat
MAX_DELAY = 5.0
BY_CODE: Mapping[str, type[ServiceError]] = {
    "RECIPIENT_REQUIRED": RecipientRequiredError,
    "INTEGRATION_INACTIVE": IntegrationInactiveError,
    "DEFAULT_INACTIVE": DefaultInactiveError,
    "NO_DEFAULT": NoDefaultError,
    "CONFLICT": RefusedError,
}
BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    429: RateLimitedError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


class Service:
    """Sends requests with the token; a callable is called again if the service refuses its token.

    Requests are repeated for at most *timeout* seconds if the service does not answer or says 429
    or 503, after the time that its Retry-After asks for. A lease may be asked for twice: a repeat
    is another lease.
    """

    def __init__(self, http: httpx.AsyncClient, token: Token, timeout: float) -> None:
        self._http = http
        self._token = token
        self._timeout = timeout
        self._known: str | None = None

    async def request(self, method: str, path: str, **options: object) -> Json:
        """Return the `result` of the response; raise a ServiceError."""
        deadline = monotonic() + self._timeout
        for attempt in count():
            try:
                return await self.send(method, path, **options)
            except UnavailableError as error:
                delay = error.retry_after
                if delay is None:  # random, so that many workers do not come back at once
                    delay = min(FIRST_DELAY * 2**attempt, MAX_DELAY) * random.uniform(0.5, 1)  # noqa: S311
                if monotonic() + delay > deadline:
                    raise
                await asyncio.sleep(delay)
        raise AssertionError  # pragma: no cover — count() never ends

    async def send(self, method: str, path: str, **options: object) -> Json:
        """Send once, and once more with another token if it is refused."""
        try:
            return await self._send_with(await self._current_token(), method, path, **options)
        except UnauthorizedError:
            if not callable(self._token):
                raise
            self._known = None
            return await self._send_with(await self._current_token(), method, path, **options)

    async def _send_with(self, token: str, method: str, path: str, **options: object) -> Json:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            response = await self._http.request(method, path, headers=headers, **options)  # pyright: ignore[reportArgumentType] — httpx's own
        except httpx.TransportError as error:
            message = f"the service does not answer: {type(error).__name__}"
            raise UnavailableError(message) from None
        result = as_object(decode_object(response.content).get("result"))
        if response.is_success and result:
            return result
        raise service_error(response, result)

    async def _current_token(self) -> str:
        """Return the token, asked for the first time and after a refusal."""
        if self._known is None:
            token = self._token if isinstance(self._token, str) else self._token()
            self._known = (await token if isawaitable(token) else token).strip()
        return self._known


def require_base(base: str) -> None:
    """Raise ConfigurationError unless *base* is the address of a service, without `/en/api`."""
    if not base.startswith(("http://", "https://")):
        message = f"{base!r} is no address of a service: https://…"
        raise ConfigurationError(message)
    if found := API_PATH.search(base):  # each request would be 404, as one for what is deleted
        message = f"{base!r} is a path of the API: give {base[: found.start()]!r}"
        raise ConfigurationError(message)


def service_error(response: httpx.Response, result: Json) -> ServiceError:
    """Return the error that *response* means."""
    code = result.get("error")
    kind = BY_CODE.get(str(code)) or BY_STATUS.get(response.status_code, UnexpectedResponseError)
    if code is None and issubclass(kind, RefusedError):
        kind = UnexpectedResponseError  # a page of something in between refuses nothing
    return kind(
        str(result.get("message") or f"the service answered {response.status_code}"),
        status=response.status_code,
        code=str(code) if code else None,
        request_id=response.headers.get("x-request-id"),
        retry_after=parse_retry_after(response.headers.get("retry-after")),
    )


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that Retry-After asks for (RFC 9110, 10.2.3): a number, or a date."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
