"""The client for asyncio; `Integrations` runs one in a thread."""

import asyncio
import os
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from weakref import WeakSet

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from integrations_client.auth import AsyncLeaseAuth
from integrations_client.errors import (
    ClosedError,
    ConfigurationError,
    ForkedError,
    RefusedError,
    UnavailableError,
    UnexpectedResponseError,
)
from integrations_client.held import HeldLeases
from integrations_client.json_values import Json, as_object
from integrations_client.keys import FilePath, PinnedKeys, WorkerKey
from integrations_client.lease import Lease
from integrations_client.opening import Opener, Target, channel_target
from integrations_client.service import Service, Token, require_base
from integrations_client.watcher import Watcher

REQUEST_TIMEOUT = 10.0  # seconds for one request
START_TIMEOUT = 1.0  # seconds
MAX_OVERTAKEN = 5  # leases of one request that changes may overtake


class AsyncIntegrations:
    """Leases the credentials of integrations for this worker, and holds them.

    *base* is the service's address, *key* this worker's private key and *service_key* the key that
    signs leases, each a file or a key. *purpose* is recorded with each lease. Requests are repeated
    for *timeout* seconds if the service does not answer. With *watch*, from the first lease on, the
    change feed is followed, so that a change ends the leases that it is about.
    """

    def __init__(  # noqa: PLR0913 — by name
        self,
        base: str,
        *,
        token: Token,
        key: FilePath | X25519PrivateKey,
        service_key: FilePath | Json,
        purpose: str | None = None,
        watch: bool = True,
        timeout: float = 30.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        require_base(base)
        if isinstance(token, str) and not token.strip():
            message = "the token is empty"
            raise ConfigurationError(message)
        self.held = HeldLeases()
        self._opener = Opener(WorkerKey(key), PinnedKeys(service_key))
        self._http = http or httpx.AsyncClient(timeout=REQUEST_TIMEOUT)
        self._service = Service(self._http, token, timeout)
        self._api = f"{base.rstrip('/')}/en/api"
        self._body = {} if purpose is None else {"purpose": purpose}
        self._pending: dict[Target, asyncio.Task[Lease]] = {}
        changes = f"{self._api}/integration-changes"
        self._watcher = Watcher(self._service, changes, self.held) if watch else None
        self._watching: asyncio.Task[None] | None = None
        self.is_forked = self.is_closed = False
        CLIENTS.add(self)

    async def lease(self, integration: str) -> Lease:
        """Return a lease of *integration*, the one that is held or another; raise ServiceError."""
        return await self.obtain(("integration", integration))

    async def channel(self, channel: str) -> Lease:
        """Return a lease of the integration that is chosen for *channel*: EMAIL, SMS or PUSH."""
        return await self.obtain(channel_target(channel))

    def auth(self, integration: str) -> AsyncLeaseAuth:
        """Return an `httpx.Auth` for `httpx.AsyncClient` that signs requests with the lease."""
        target: Target = ("integration", integration)
        return AsyncLeaseAuth(self.held, target, lambda: self.lease(integration))

    def channel_auth(self, channel: str) -> AsyncLeaseAuth:
        """Return an `httpx.Auth` as `auth` does, for the integration chosen for *channel*."""
        target = channel_target(channel)
        return AsyncLeaseAuth(self.held, target, lambda: self.channel(channel))

    async def obtain(self, target: Target) -> Lease:
        """Return the lease that is held; ask for another if it is due.

        All who ask at once wait for one request. While a lease may still be used nobody waits, so
        an outage of the service is not felt for a fifth of a lease's time.
        """
        fresh = self.held.get(target)
        if fresh:
            return fresh
        self.require_usable()
        task = self._pending.get(target)
        if task is None:
            task = self._pending[target] = asyncio.create_task(self._fetch(target))
            task.add_done_callback(lambda done: self._finish(target, done))
        return self.held.get_current(target) or await asyncio.shield(task)

    async def _fetch(self, target: Target) -> Lease:
        """Ask for a lease until there is one that no change has overtaken."""
        if self._watcher and self._watching is None:
            await self._start_watching(self._watcher)
        for _ in range(MAX_OVERTAKEN):
            drops, asked = self.held.drops(target), monotonic()
            result = await self._service.request("POST", self._path(target), json=self._body)
            lease = self._opener.open(lease_in(result), target, waited=monotonic() - asked)
            if self.held.put(target, lease, drops):
                return lease
        message = (
            "each lease was older than the newest change; if the service was restored from a"
            " backup, restart the worker"
        )
        raise UnavailableError(message)

    async def _start_watching(self, watcher: Watcher) -> None:
        """Follow the changes from here on; do not wait long for a feed that does not answer."""
        self._watching = asyncio.create_task(watcher.run())
        with suppress(TimeoutError):
            await asyncio.wait_for(watcher.has_started.wait(), START_TIMEOUT)

    def _finish(self, target: Target, task: asyncio.Task[Lease]) -> None:
        """Make room for the next request; a refusal ends the lease that is held."""
        self._pending.pop(target, None)
        if not task.cancelled() and isinstance(task.exception(), RefusedError):
            self.held.drop(target)

    def _path(self, target: Target) -> str:
        kind, name = target
        kinds = {"integration": "integration", "channel": "integration-defaults"}
        return f"{self._api}/{kinds[kind]}/{quote(name, safe='')}/lease"

    def require_usable(self) -> None:
        """Raise ForkedError if this client was made before a fork, ClosedError if it is closed."""
        if self.is_forked:
            raise ForkedError
        if self.is_closed:
            raise ClosedError

    def mark_forked(self) -> None:
        """Forget all leases: this is another process, whose parent keeps them."""
        self.is_forked = True
        self.held.abandon()

    async def aclose(self) -> None:
        """Forget all leases and close the connections."""
        if self.is_forked or self.is_closed:
            return
        self.is_closed = True
        watching = [self._watching] if self._watching else []
        tasks: list[asyncio.Task[Any]] = [*self._pending.values(), *watching]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.held.forget()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def lease_in(result: Json) -> str:
    """Return the signed lease in a response."""
    token = as_object(result.get("data")).get("lease")
    if not isinstance(token, str):
        message = "the service answered without a lease"
        raise UnexpectedResponseError(message)
    return token


CLIENTS: WeakSet[AsyncIntegrations] = WeakSet()


def mark_all_forked() -> None:
    """Let no client of the parent process be used in this one."""
    for client in CLIENTS:
        client.mark_forked()


os.register_at_fork(after_in_child=mark_all_forked)
