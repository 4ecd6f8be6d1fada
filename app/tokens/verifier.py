"""Verify bearer tokens and cache the verified ones."""

import time
from collections.abc import Callable

from msgspec import Struct

from app.tokens.errors import UnauthorizedError, UnknownKeyError
from app.tokens.jwt import (
    ALGORITHMS,
    LEEWAY,
    Claims,
    Header,
    VerificationKey,
    bearer_token,
    decode_claims,
    decode_header,
    expiry,
    validate_issuer_and_audience,
    verify_signature,
)
from app.tokens.key_source import KeySource
from app.tokens.principal import MAX_SUBJECT, Principal, plain_claim, principal_from

MAX_CACHE_AGE = 60.0  # seconds
CACHE_SIZE = 4096

Keys = tuple[VerificationKey, ...]


class CachedPrincipal(Struct, frozen=True):
    """Who a token speaks for, and from when to when we go by it."""

    principal: Principal
    since: float
    until: float


class TokenCache:
    """Holds up to *capacity* verified tokens, each for at most 60 s and not past its own end.

    It is valid for one tuple of keys and empties itself for another one, so that a revoked key is
    refused as soon as its source knows. Keyed by the whole token: a part of one, its signature
    say, would let a forged one in. For one thread, as the event loop is.
    """

    def __init__(self, capacity: int = CACHE_SIZE) -> None:
        self._capacity = capacity
        self._entries: dict[str, CachedPrincipal] = {}
        self._keys: Keys = ()

    def get(self, token: str, keys: Keys, now: float) -> Principal | None:
        """Return the principal of *token* if it was verified with *keys* and is still valid."""
        entry = self._entries.get(token)
        if entry is None or keys is not self._keys or not entry.since <= now < entry.until:
            return None
        return entry.principal

    def put(self, token: str, keys: Keys, entry: CachedPrincipal) -> None:
        """Remember a verified *token*; the oldest makes room."""
        if keys is not self._keys:
            self._entries.clear()
            self._keys = keys
        self._entries.pop(token, None)
        self._entries[token] = entry
        if len(self._entries) > self._capacity:
            del self._entries[next(iter(self._entries))]


MAX_TRIES = 8  # of keys for one token: each is a signature's mathematics


class TokenVerifier:
    """Verifies JWTs (RFC 7519) by *issuer* for *audience*, with the keys of *keys*.

    *clock* gives seconds since 1970; *cache_size* is how many verified tokens are cached,
    0 to measure what that gains. What is refused is refused with UnauthorizedError, whose
    message holds no part of the token, and is never cached. For one thread, as the event loop is.
    """

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self._source = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._cache = TokenCache(cache_size)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the principal; for an unknown key, refresh the keys once before refusing.

        Waits only then, at most 5 s, and strangers can bring that about once in 30 s. The
        parameter and the errors are those of `verify`.
        """
        try:
            return self.verify(authorization)
        except UnknownKeyError:
            if not await self._source.refresh():
                raise
        return self.verify(authorization)

    def verify(self, authorization: str | None) -> Principal:
        """Return the principal of the Authorization header, verified with the present keys.

        Raises:
            UnauthorizedError: there is no valid token.
            UnknownKeyError: there is one whose `kid` is of no key that we have.
        """
        token = bearer_token(authorization)
        keys = self._source.keys()
        now = self._clock()
        return self._cache.get(token, keys, now) or self._verify_uncached(token, keys, now)

    def _verify_uncached(self, token: str, keys: Keys, now: float) -> Principal:
        """Return the principal, by the token's signature and claims."""
        claims = decode_claims(verify_with_any(token, candidate_keys(decode_header(token), keys)))
        try:
            entry = self._accept(claims, now)
        except UnauthorizedError as error:
            error.subject = plain_claim(claims, "sub", MAX_SUBJECT)
            raise
        self._cache.put(token, keys, entry)
        return entry.principal

    def _accept(self, claims: Claims, now: float) -> CachedPrincipal:
        """Return the principal of verified *claims*, if they are meant for us and now."""
        validate_issuer_and_audience(claims, self._issuer, self._audience)
        expires = expiry(claims, now)
        until = min(expires + LEEWAY, now + MAX_CACHE_AGE)
        return CachedPrincipal(principal_from(claims, expires), now, until)


def candidate_keys(header: Header, keys: Keys) -> list[VerificationKey]:
    """Return the keys that may have signed a token with *header*.

    The `kid` picks; a token without one, or a key without one, is left to the signature.

    Raises:
        UnknownKeyError: the token names a key that is not among them.
    """
    named = [key for key in keys if header.kid is None or key.kid in (None, header.kid)]
    if not named and header.kid is not None:
        raise UnknownKeyError
    return [key for key in named if key.algorithm == ALGORITHMS[header.alg]][:MAX_TRIES]


def verify_with_any(token: str, keys: list[VerificationKey]) -> bytes:
    """Return the payload of *token*. Raises UnauthorizedError: none of *keys* signed it."""
    for key in keys:
        if (payload := verify_signature(token, key)) is not None:
            return payload
    message = "The token's signature is not by a key that we trust."
    raise UnauthorizedError(message, "signature")
