"""An `httpx.Auth` that signs requests to a provider with a lease."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any

import httpx

from integrations_client.google import AccessToken, parse_token, token_request
from integrations_client.held import HeldLeases
from integrations_client.lease import Lease
from integrations_client.opening import Target
from integrations_client.schemes import provider_headers

UNAUTHORIZED = 401
Flow = Generator[httpx.Request | None, httpx.Response | Lease | None]
"""Yields None for a lease, and a request for its response."""


class LeaseAuth(httpx.Auth):
    """Puts the credentials of a lease into each request, as its provider wants them.

    If the provider answers 401, the lease is dropped, another is asked for, and the request is
    repeated once. Errors of `lease` come out of the call that sends.
    """

    def __init__(self, held: HeldLeases, target: Target) -> None:
        self._held = held
        self._target = target
        self._access_token: AccessToken | None = None

    def _flow(self, request: httpx.Request) -> Flow:
        lease = yield from self._authorize(request)
        response = yield request
        if isinstance(response, httpx.Response) and response.status_code == UNAUTHORIZED:
            self._held.drop(self._target, lease)
            self._access_token = None
            yield from self._authorize(request)
            yield request

    def _authorize(
        self, request: httpx.Request
    ) -> Generator[httpx.Request | None, httpx.Response | Lease | None, Lease]:
        """Set the headers of *request*, and return the lease that they are from."""
        lease = yield None
        assert isinstance(lease, Lease)  # noqa: S101 — what drives this keeps to Flow
        if lease.type == "FIREBASE_FCM":
            if self._access_token is None or not self._access_token.serves(lease):
                response = yield token_request(lease)
                assert isinstance(response, httpx.Response)  # noqa: S101
                self._access_token = parse_token(lease, response)
            request.headers["Authorization"] = f"Bearer {self._access_token.text}"
        else:
            request.headers.update(provider_headers(lease, request.url))
        return lease


class SyncLeaseAuth(LeaseAuth):
    """`LeaseAuth` for `httpx.Client`."""

    def __init__(self, held: HeldLeases, target: Target, get: Callable[[], Lease]) -> None:
        super().__init__(held, target)
        self._get = get

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Drive the flow of one request, which may be sent twice: its body is read first."""
        request.read()
        flow = self._flow(request)
        step = next(flow)
        with suppress(StopIteration):
            while True:
                step = flow.send(self._get() if step is None else (yield step))

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Refuse: it would hold up the event loop."""
        message = "use AsyncIntegrations with httpx.AsyncClient"
        raise TypeError(message)
        yield request


class AsyncLeaseAuth(LeaseAuth):
    """`LeaseAuth` for `httpx.AsyncClient`."""

    def __init__(
        self, held: HeldLeases, target: Target, get: Callable[[], Coroutine[Any, Any, Lease]]
    ) -> None:
        super().__init__(held, target)
        self._get = get

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Refuse: there is no event loop to wait on."""
        message = "use Integrations with httpx.Client"
        raise TypeError(message)
        yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Drive the flow of one request, which may be sent twice: its body is read first."""
        await request.aread()
        flow = self._flow(request)
        step = next(flow)
        with suppress(StopIteration):
            while True:
                step = flow.send(await self._get() if step is None else (yield step))
