"""Fetch a JWKS over HTTP, bounded in time and size."""

import asyncio
import ssl

import httpx2

from app.tokens.errors import JwksError
from app.tokens.jwks import MAX_JWKS_BYTES

OK = 200
DEADLINE = 5.0  # seconds, for the whole answer: a server that drips stays within httpx2's own


def checked(url: str) -> httpx2.URL:
    """Return *url* parsed.

    Raises:
        JwksError: it is not http or https, has no host, or bears a user name or password, which
            would come to light in messages.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        message = "the JWKS must be a file, or a http or https URL without a user name"
        raise JwksError(message)
    return parsed


def new_client() -> httpx2.AsyncClient:
    """Return a client for all fetches of a process; to be closed.

    Nothing of the environment counts, no proxy and no `.netrc`: trust comes from the address
    itself. Only OpenSSL's SSL_CERT_FILE does, for an issuer with a private authority.
    """
    # One context for all fetches: making it reads every certificate of the machine.
    return httpx2.AsyncClient(verify=ssl.create_default_context(), trust_env=False)


async def fetched(client: httpx2.AsyncClient, url: httpx2.URL) -> bytes:
    """Return the body at *url*, at most one byte over 64 KiB.

    Raises:
        JwksError: no answer within 5 s, or one that is not 200; no redirect is followed.
    """
    try:
        async with asyncio.timeout(DEADLINE):
            return await body(client, url)
    except TimeoutError:
        message = f"no whole answer within {DEADLINE:g} s"
    except (httpx2.HTTPError, OSError) as error:
        message = f"{type(error).__name__} {error}".replace("\n", " ")[:200]
    raise JwksError(message)


async def body(client: httpx2.AsyncClient, url: httpx2.URL) -> bytes:
    """Return the start of the answer's body, as much as is over the largest JWKS by a byte."""
    # Uncompressed, so that a small answer cannot unfold into a large one.
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
