"""What a request brings: the token in its Authorization header, and the token's own header."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Literal, cast

import msgspec
from jwt import PyJWK, PyJWS
from jwt.algorithms import AllowedPrivateKeys, OKPAlgorithm
from jwt.exceptions import PyJWTError
from msgspec import UNSET, Struct, UnsetType

from app.json_text import decode_json
from app.tokens.errors import MissingTokenError, UnauthorizedError

Algorithm = Literal["EdDSA", "ES256", "RS256"]

# The names in headers and keys, and the algorithm that each stands for; Ed25519 is the EdDSA of
# that curve, named fully (RFC 9864, section 2.2).
ALGORITHMS: Mapping[str, Algorithm] = {
    "EdDSA": "EdDSA",
    "Ed25519": "EdDSA",
    "ES256": "ES256",
    "RS256": "RS256",
}
# Only these are registered, all asymmetric: `none` and HS256 do not exist here, so that no public
# key can ever be taken for a shared secret (RFC 8725, section 2.1).
SIGNATURES = PyJWS(algorithms=["EdDSA", "ES256", "RS256"])
SIGNATURES.register_algorithm("Ed25519", OKPAlgorithm())


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
    """Return the payload of the compact *token* if *key* signed it, else None.

    The algorithm is the key's: a token whose header names another one was not signed by it.
    PyJWT's reasons are dropped, because some of them repeat parts of the token.
    """
    names = [name for name, algorithm in ALGORITHMS.items() if algorithm == key.algorithm]
    try:
        decoded = SIGNATURES.decode_complete(token, key.public.key, algorithms=names)
    except (PyJWTError, ValueError):
        return None
    # The last character of a signature has bits that belong to no byte: they are zero.
    if base64url(decoded["signature"]) != token.rpartition(".")[2]:
        return None
    return cast("bytes", decoded["payload"])


def sign(
    claims: Mapping[str, object], private_key: AllowedPrivateKeys, kid: str, typ: str = "JWT"
) -> str:
    """Return a compact token with *claims*, signed with the Ed25519 *private_key* (RFC 8037)."""
    payload = msgspec.json.encode(claims)
    headers = {"kid": kid, "typ": typ}
    return SIGNATURES.encode(payload, private_key, algorithm="EdDSA", headers=headers)


MAX_TOKEN_LENGTH = 8 * 1024
# Three parts without padding (RFC 7515, section 7.1): one token has one spelling. The signature is
# empty in a token that nobody signed (section 6 of RFC 7519), which its algorithm says.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
TYPES = ("jwt", "at+jwt")  # RFC 7519, section 5.1; RFC 9068, section 2.1


class Header(Struct, frozen=True):
    """What we read of a token's header (RFC 7515, section 4.1).

    Keys and addresses in it (`jwk`, `jku`, `x5c`, `x5u`) are never read: the forger of a token
    writes them.
    """

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: object | UnsetType = UNSET


def bearer_token(authorization: str | None) -> str:
    """Return the token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).

    Raises:
        MissingTokenError: the header is missing, of another scheme, or empty behind it.
        UnauthorizedError: the token is longer than 8 KiB.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise MissingTokenError
    if len(token) > MAX_TOKEN_LENGTH:
        message = "The token is longer than 8 KiB."
        raise UnauthorizedError(message, "too_long")
    if not (token := token.strip(" ")):
        raise MissingTokenError
    return token


def decode_header(token: str) -> Header:
    """Return the header of *token*, of which nothing is proved yet.

    Raises:
        UnauthorizedError: it is not a compact JWS, or its header is not one of ours.
    """
    header = COMPACT.fullmatch(token) and try_decode_header(token.partition(".")[0])
    # Raised outside of any handler: msgspec's errors repeat what was sent.
    if not header:
        message = "The token is not a JWT."
        raise UnauthorizedError(message, "malformed")
    validate_header(header)
    return header


def validate_header(header: Header) -> None:
    """Raise UnauthorizedError unless *header* is that of a token for us.

    A token of another type is refused, so that none that the issuer made for another purpose, such
    as a logout, passes for a caller's (RFC 8725, section 3.11). Any `crit` is refused, because
    there is no extension that we understand.
    """
    if header.alg not in ALGORITHMS:
        message = "The token is not signed with EdDSA, ES256 or RS256."
        raise UnauthorizedError(message, "algorithm")
    if header.typ is not None and header.typ.lower().removeprefix("application/") not in TYPES:
        message = "The token's typ is neither JWT nor at+jwt."
        raise UnauthorizedError(message, "type")
    if header.crit is not UNSET:
        message = "The token's header has crit."
        raise UnauthorizedError(message, "critical_header")


def try_decode_header(segment: str) -> Header | None:
    """Return the header in the base64url *segment*, or None if it is not acceptable."""
    try:
        return msgspec.json.decode(
            urlsafe_b64decode(segment + "=" * (-len(segment) % 4)), type=Header
        )
    except (ValueError, RecursionError):
        return None


LEEWAY = 60.0  # seconds that the issuer's clock may differ from ours
END_OF_TIME = 253_402_300_799.0  # the last second of the year 9999, which a date can have
Claims = dict[str, object]


def decode_claims(payload: bytes) -> Claims:
    """Return the claims of a verified *payload*. Raises UnauthorizedError: it is no JSON object."""
    claims = try_decode_claims(payload)
    if claims is None:
        message = "The token's payload is not a JSON object."
        raise UnauthorizedError(message, "malformed")
    return claims


def try_decode_claims(payload: bytes) -> Claims | None:
    """Return the JSON object in *payload*, or None; the reason would repeat what was sent."""
    try:
        claims = decode_json(payload)
    except (ValueError, RecursionError):
        return None
    return cast("Claims", claims) if isinstance(claims, dict) else None


def validate_issuer_and_audience(claims: Claims, issuer: str, audience: str) -> None:
    """Raise UnauthorizedError unless the token is by *issuer* and for *audience*."""
    if claims.get("iss") != issuer:
        message = "The token is of another issuer."
        raise UnauthorizedError(message, "issuer")
    named = claims.get("aud")
    if audience not in (cast("list[object]", named) if isinstance(named, list) else [named]):
        message = "The token is for another audience."
        raise UnauthorizedError(message, "audience")


def expiry(claims: Claims, now: float) -> float:
    """Return when the token ends, in seconds since 1970 as *now* is; LEEWAY counts to it yet.

    Raises:
        UnauthorizedError: `exp` is missing or over, `nbf` or `iat` is in the future, or one of
            them is not a number.
    """
    expires = numeric_date(claims, "exp")
    if expires is None:
        message = "The token has no exp."
        raise UnauthorizedError(message, "no_expiry")
    if now >= expires + LEEWAY:
        message = "The token has expired."
        raise UnauthorizedError(message, "expired")
    for claim in ("nbf", "iat"):
        if (numeric_date(claims, claim) or 0.0) > now + LEEWAY:
            message = f"The token is not valid yet ({claim})."
            raise UnauthorizedError(message, "not_yet_valid")
    return expires


def numeric_date(claims: Claims, claim: str) -> float | None:
    """Return the time *claim* (a NumericDate), or None if it is not there."""
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"The token's {claim} is not a number."
        raise UnauthorizedError(message, "malformed")
    return min(value, END_OF_TIME)


def base64url(raw: bytes) -> str:
    """Return *raw* as base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
