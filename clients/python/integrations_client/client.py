"""The client for programs without asyncio."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from integrations_client.async_client import AsyncIntegrations
from integrations_client.auth import SyncLeaseAuth
from integrations_client.json_values import Json
from integrations_client.keys import FilePath
from integrations_client.lease import Lease
from integrations_client.opening import Target, channel_target
from integrations_client.service import Token

T = TypeVar("T")


class Integrations:
    """Leases the credentials of integrations for this worker, and holds them.

    The arguments are those of `AsyncIntegrations`, which does the work in a thread. Any thread may
    use it; a lease that is held is returned at once.
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
        self._client = AsyncIntegrations(
            base,
            token=token,
            key=key,
            service_key=service_key,
            purpose=purpose,
            watch=watch,
            timeout=timeout,
            http=http,
        )
        self.held = self._client.held
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="integrations", daemon=True)
        self._thread.start()

    def lease(self, integration: str) -> Lease:
        """Return a lease of *integration*, the one that is held or another; raise ServiceError."""
        target: Target = ("integration", integration)
        return self.held.get(target) or self.obtain(target)

    def channel(self, channel: str) -> Lease:
        """Return a lease of the integration that is chosen for *channel*: EMAIL, SMS or PUSH."""
        target = channel_target(channel)
        return self.held.get(target) or self.obtain(target)

    def auth(self, integration: str) -> SyncLeaseAuth:
        """Return an `httpx.Auth` for `httpx.Client` that signs requests with the lease."""
        target: Target = ("integration", integration)
        return SyncLeaseAuth(self.held, target, lambda: self.lease(integration))

    def channel_auth(self, channel: str) -> SyncLeaseAuth:
        """Return an `httpx.Auth` as `auth` does, for the integration chosen for *channel*."""
        target = channel_target(channel)
        return SyncLeaseAuth(self.held, target, lambda: self.channel(channel))

    def obtain(self, target: Target) -> Lease:
        """Return the lease that is held; ask for another if it is due."""
        return self._run(self._client.obtain(target))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* returns in the client's thread."""
        try:
            self._client.require_usable()
            waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        except BaseException:
            work.close()
            raise
        try:
            return waiting.result()
        except BaseException:
            waiting.cancel()
            raise

    def close(self) -> None:
        """Forget all leases and close the connections; those of a parent process are its own."""
        if self._loop.is_closed() or self._client.is_forked:
            return
        self._run(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
