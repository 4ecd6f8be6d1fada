"""Decide who a request comes from, by its bearer token."""

import time
from collections.abc import Callable

from app.tokens.cache import CAPACITY, LIFE, Entry, Keys, TokenCache
from app.tokens.claims import claims_in, require_meant, valid_until
from app.tokens.errors import UnauthorizedError, UnknownKeyError
from app.tokens.jws import VerificationKey, signed_payload
from app.tokens.jwt import Header, bearer_token, header_of
from app.tokens.key_source import KeySource
from app.tokens.principal import Principal, principal_from

MAX_TRIES = 8  # of keys for one token: each is a signature's mathematics


class TokenVerifier:
    """Verifies JWTs (RFC 7519) by *issuer* for *audience*, with the keys of *keys*.

    *clock* gives seconds since 1970; *remembered* is how many tokens are not verified anew each
    time, 0 to measure what that gains. What is refused is refused with UnauthorizedError, whose
    message holds no part of the token, and is never cached. For one thread, as the event loop is.
    """

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        remembered: int = CAPACITY,
    ) -> None:
        self._source = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._cache = TokenCache(remembered)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return who asks; for a key that is new, look for it once before refusing.

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
        """Return who asks, by the value of the Authorization header, with the keys at hand.

        Raises:
            UnauthorizedError: there is no valid token.
            UnknownKeyError: there is one whose `kid` is of no key that we have.
        """
        token = bearer_token(authorization)
        keys = self._source.keys()
        now = self._clock()
        return self._cache.get(token, keys, now) or self._verify_anew(token, keys, now)

    def _verify_anew(self, token: str, keys: Keys, now: float) -> Principal:
        """Return who asks, by the token's signature and claims."""
        claims = claims_in(payload_signed_by_one(token, fitting(header_of(token), keys)))
        require_meant(claims, self._issuer, self._audience)
        until = min(valid_until(claims, now), now + LIFE)
        principal = principal_from(claims)
        self._cache.put(token, keys, Entry(principal, now, until))
        return principal


def fitting(header: Header, keys: Keys) -> list[VerificationKey]:
    """Return the keys that may have signed a token with *header*.

    The `kid` picks; a token without one, or a key without one, is left to the signature.

    Raises:
        UnknownKeyError: the token names a key that is not among them.
    """
    named = [key for key in keys if header.kid is None or key.kid in (None, header.kid)]
    if not named and header.kid is not None:
        raise UnknownKeyError
    return [key for key in named if key.algorithm == header.alg][:MAX_TRIES]


def payload_signed_by_one(token: str, keys: list[VerificationKey]) -> bytes:
    """Return the payload of *token*. Raises UnauthorizedError: none of *keys* signed it."""
    for key in keys:
        if (payload := signed_payload(token, key)) is not None:
            return payload
    message = "The token's signature is not by a key that we trust."
    raise UnauthorizedError(message)
