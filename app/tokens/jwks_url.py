"""Keys from a JWKS at a URL, fetched in the background so that no request waits for it."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import httpx2

from app.loopback import is_loopback
from app.tokens.errors import JwksError
from app.tokens.jwks import MAX_JWKS_BYTES, MAX_KEY_AGE, UsableKeys, select_keys
from app.tokens.jwt import VerificationKey
from app.tokens.key_source import KeySource

REFRESH_INTERVAL = (
    45.0  # seconds; with a fetch of 5 s, a key taken out of the JWKS dies within 60 s
)
UNKNOWN_KEY_INTERVAL = 30.0  # seconds; strangers can name unknown keys as often as they like

log = logging.getLogger(__name__)


class JwksUrl(KeySource):
    """The keys of the JWKS at *url*, fetched every 45 s, and at once for an unknown key.

    While the endpoint is away, slow or responds wrongly the last good keys stay, for 24 h; an empty
    list of keys is valid and locks everybody out. *refresh_every* is in seconds, *clock* gives
    monotonic seconds.

    Raises:
        JwksError: *url* is not https, or http on this machine, or bears a user name.
    """

    def __init__(
        self,
        url: str,
        refresh_every: float = REFRESH_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = validate_url(url)
        self.refresh_interval = refresh_every
        self._clock = clock
        self._document: bytes | None = None
        self._usable = UsableKeys((), ())
        self._loaded_at = clock()
        self._refreshed_at = -UNKNOWN_KEY_INTERVAL
        self._loading: asyncio.Task[None] | None = None
        self._running = AsyncExitStack()

    def keys(self) -> tuple[VerificationKey, ...]:
        """Return the keys of the last good fetch; none before `start`, or 24 h after the last."""
        return () if self._is_outdated() else self._usable.keys

    async def start(self) -> None:
        """Fetch the first keys, then keep them fresh until `stop`.

        Raises:
            JwksError: the endpoint gave no usable key within 5 s.
        """
        async with AsyncExitStack() as opened:
            self._client = await opened.enter_async_context(new_client())
            await self._load()
            self._usable.required_from(self._display_url())
            opened.push_async_callback(self._end, asyncio.create_task(self._refresh_periodically()))
            self._running = opened.pop_all()

    async def refresh(self) -> bool:
        """Fetch again for an unknown key, at most every 30 s; wait with others for a running fetch.

        Returns False, at once, if it is too soon.
        """
        if self._loading is None:
            now = self._clock()
            if now - self._refreshed_at < UNKNOWN_KEY_INTERVAL:
                return False
            self._refreshed_at = now
        await self._load_once()
        return True

    async def stop(self) -> None:
        """End the fetching and close the connection."""
        await self._running.aclose()

    async def _refresh_periodically(self) -> None:
        """Renew for ever."""
        while True:
            await asyncio.sleep(self.refresh_interval)
            await self._load_once()

    async def _load_once(self) -> None:
        """Load once for all callers that wait; one that is cancelled does not cancel the others."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_or_keep())
        await asyncio.shield(self._loading)

    async def _load_or_keep(self) -> None:
        """Take the keys that are there now, or keep those we have."""
        try:
            await self._load()
        except JwksError as error:
            if self._is_outdated():
                log.error("%s; there was no answer for 24 h, so no token is accepted", error)  # noqa: TRY400 — the line says all
            else:
                log.warning("%s; the keys fetched before stay in use for up to 24 h", error)
        finally:
            self._loading = None

    def _is_outdated(self) -> bool:
        return self._clock() - self._loaded_at > MAX_KEY_AGE

    async def _load(self) -> None:
        """Take the keys that are there now; the same document leaves the same tuple of keys."""
        try:
            document = await fetch(self._client, self._url)
            if document != self._document:
                self._usable = select_keys(document)
                self._document = document
                self._log_skipped()
            self._loaded_at = self._clock()
        except JwksError as error:
            message = f"JWKS {self._display_url()}: {error}"
            raise JwksError(message) from None

    def _log_skipped(self) -> None:
        """Say once which keys are not used."""
        for reason in self._usable.skipped:
            log.warning("JWKS %s: %s", self._display_url(), reason)

    def _display_url(self) -> str:
        """Return the address without its query, which may hold a secret."""
        return str(self._url.copy_with(query=None, fragment=None))

    async def _end(self, keeper: asyncio.Task[None]) -> None:
        """Cancel what runs and wait until it has ended."""
        for task in filter(None, (keeper, self._loading)):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


OK = 200
FETCH_TIMEOUT = 5.0  # seconds, for the whole response: httpx2's own time-outs let a slow drip pass


def validate_url(url: str) -> httpx2.URL:
    """Return *url* parsed.

    Raises:
        JwksError: it is not http or https, has no host, or bears a user name or password, which
            would come to light in messages; or it is http to another machine.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        message = "the JWKS must be a file, or a http or https URL without a user name"
        raise JwksError(message)
    if parsed.scheme == "http" and not is_loopback(parsed.host):
        message = (
            "INTEGRATIONS_JWKS must be https, or http on this machine (127.0.0.1, [::1] or"
            " localhost): anybody who changes the keys on the way can sign tokens."
        )
        raise JwksError(message)
    return parsed


def new_client() -> httpx2.AsyncClient:
    """Return a client for all fetches of a process; to be closed.

    Nothing of the environment counts, no proxy and no `.netrc`: trust comes from the address
    itself. Only OpenSSL's SSL_CERT_FILE does, for an issuer with a private authority.
    """
    # One context for all fetches: making it reads every certificate of the machine.
    return httpx2.AsyncClient(verify=ssl.create_default_context(), trust_env=False)


async def fetch(client: httpx2.AsyncClient, url: httpx2.URL) -> bytes:
    """Return the body at *url*, at most one byte over 64 KiB.

    Raises:
        JwksError: no response within 5 s, or one that is not 200; no redirect is followed.
    """
    try:
        async with asyncio.timeout(FETCH_TIMEOUT):
            return await read_body(client, url)
    except TimeoutError:
        message = f"no whole answer within {FETCH_TIMEOUT:g} s"
    except (httpx2.HTTPError, OSError) as error:
        message = f"{type(error).__name__} {error}".replace("\n", " ")[:200]
    raise JwksError(message)


async def read_body(client: httpx2.AsyncClient, url: httpx2.URL) -> bytes:
    """Return the start of the response body, at most one byte more than the largest JWKS."""
    # Uncompressed, so that a small response cannot unfold into a large one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    received = bytearray()
    async with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
        if response.status_code != OK:
            message = f"the answer was {response.status_code}"
            raise JwksError(message)
        async for part in response.aiter_raw():
            received += part
            if len(received) > MAX_JWKS_BYTES:
                break
    return bytes(received[: MAX_JWKS_BYTES + 1])
