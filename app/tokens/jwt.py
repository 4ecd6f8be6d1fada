"""What a request brings: the token in its Authorization header, and the token's own header."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Literal, cast

import msgspec
from jwt import PyJWK, PyJWS
from jwt.algorithms import AllowedPrivateKeys
from jwt.exceptions import PyJWTError
from msgspec import UNSET, Struct, UnsetType

from app.tokens.errors import UnauthorizedError

Algorithm = Literal["EdDSA", "ES256", "RS256"]

# Only these three are registered, all asymmetric: `none` and HS256 do not exist here, so that
# no public key can ever be taken for a shared secret (RFC 8725, section 2.1).
SIGNATURES = PyJWS(algorithms=["EdDSA", "ES256", "RS256"])


class VerificationKey(Struct, frozen=True, eq=False):
    """A public key, bound to the one algorithm that it may verify."""

    kid: str | None
    algorithm: Algorithm
    public: PyJWK


def verification_key(jwk: Mapping[str, object], algorithm: Algorithm) -> VerificationKey | None:
    """Return the key that the public *jwk* (RFC 7517) describes; None if its numbers are wrong."""
    try:
        public = PyJWK(dict(jwk), algorithm)
    except (PyJWTError, TypeError, ValueError):
        return None
    return VerificationKey(cast("str | None", jwk.get("kid")), algorithm, public)


def verify_signature(token: str, key: VerificationKey) -> bytes | None:
    """Return the payload of the compact *token* where *key* signed it, else None.

    The algorithm is the key's: a token whose header names another one was not signed by it.
    PyJWT's reasons are dropped, because some of them repeat parts of the token.
    """
    try:
        decoded = SIGNATURES.decode_complete(token, key.public, algorithms=[key.algorithm])
    except (PyJWTError, ValueError):
        return None
    return cast("bytes", decoded["payload"])


def sign(claims: Mapping[str, object], private_key: AllowedPrivateKeys, kid: str) -> str:
    """Return a compact token with *claims*, signed with the Ed25519 *private_key* (RFC 8037)."""
    payload = msgspec.json.encode(claims)
    return SIGNATURES.encode(payload, private_key, algorithm="EdDSA", headers={"kid": kid})


MAX_TOKEN_LENGTH = 8 * 1024
# Three parts without padding (RFC 7515, section 7.1): one token has one spelling.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class Header(Struct, frozen=True):
    """What we read of a token's header (RFC 7515, section 4.1).

    Keys and addresses in it (`jwk`, `jku`, `x5c`, `x5u`) are never read: the forger of a token
    writes them. Any `crit` is refused, because there is no extension that we understand.
    """

    alg: Algorithm
    kid: str | None = None
    crit: UnsetType = UNSET


def bearer_token(authorization: str | None) -> str:
    """Return the token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).

    Raises:
        UnauthorizedError: the header is missing, of another scheme, or longer than 8 KiB.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        message = "The request has no Authorization: Bearer header."
        raise UnauthorizedError(message)
    if len(token) > MAX_TOKEN_LENGTH:
        message = "The token is longer than 8 KiB."
        raise UnauthorizedError(message)
    return token.strip(" ")


def decode_header(token: str) -> Header:
    """Return the header of *token*, of which nothing is proved yet.

    Raises:
        UnauthorizedError: it is not a compact JWS, its algorithm is none of ours, or it has
            `crit`.
    """
    header = COMPACT.fullmatch(token) and try_decode_header(token.partition(".")[0])
    # Raised outside of any handler: msgspec's errors repeat what was sent.
    if not header:
        message = "The token is not a JWT signed with EdDSA, ES256 or RS256."
        raise UnauthorizedError(message)
    return header


def try_decode_header(segment: str) -> Header | None:
    """Return the header in the base64url *segment*, or None if it is not acceptable."""
    try:
        return msgspec.json.decode(
            urlsafe_b64decode(segment + "=" * (-len(segment) % 4)), type=Header
        )
    except (ValueError, RecursionError):
        return None


LEEWAY = 60.0  # seconds that the issuer's clock may differ from ours
END_OF_TIME = 1e18  # seconds; what is later than that may be too large for a float
Claims = dict[str, object]


def decode_claims(payload: bytes) -> Claims:
    """Return the claims of a verified *payload*. Raises UnauthorizedError: it is no JSON object."""
    claims = try_decode_claims(payload)
    if claims is None:
        message = "The token's payload is not a JSON object."
        raise UnauthorizedError(message)
    return claims


def try_decode_claims(payload: bytes) -> Claims | None:
    """Return the JSON object in *payload*, or None; the reason would repeat what was sent."""
    try:
        return msgspec.json.decode(payload, type=Claims)
    except (ValueError, RecursionError):
        return None


def validate_issuer_and_audience(claims: Claims, issuer: str, audience: str) -> None:
    """Raise UnauthorizedError unless the token is by *issuer* and for *audience*."""
    if claims.get("iss") != issuer:
        message = "The token is of another issuer."
        raise UnauthorizedError(message)
    named = claims.get("aud")
    if audience not in (cast("list[object]", named) if isinstance(named, list) else [named]):
        message = "The token is for another audience."
        raise UnauthorizedError(message)


def expiry(claims: Claims, now: float) -> float:
    """Return when the token ends, leeway included, in seconds since 1970 as *now* is.

    Raises:
        UnauthorizedError: `exp` is missing or over, `nbf` or `iat` is in the future, or one of
            them is not a number.
    """
    expires = numeric_date(claims, "exp")
    if expires is None or now >= expires + LEEWAY:
        message = "The token has expired, or has no exp."
        raise UnauthorizedError(message)
    for claim in ("nbf", "iat"):
        if (numeric_date(claims, claim) or 0.0) > now + LEEWAY:
            message = f"The token is not valid yet ({claim})."
            raise UnauthorizedError(message)
    return expires + LEEWAY


def numeric_date(claims: Claims, claim: str) -> float | None:
    """Return the time *claim* (a NumericDate), or None if it is not there."""
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"The token's {claim} is not a number."
        raise UnauthorizedError(message)
    return min(value, END_OF_TIME)


def base64url(raw: bytes) -> str:
    """Return *raw* as base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
