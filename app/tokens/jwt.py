"""What a request brings: the token in its Authorization header, and the token's own header."""

import re
from base64 import urlsafe_b64decode

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.tokens.errors import UnauthorizedError
from app.tokens.jws import Algorithm

MAX_TOKEN_LENGTH = 8 * 1024
# Three parts without padding (RFC 7515, section 7.1): one token has one spelling.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class Header(Struct, frozen=True):
    """What we read of a token's header (RFC 7515, section 4.1).

    Keys and addresses in it (`jwk`, `jku`, `x5c`, `x5u`) are never read: whoever forges a token
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


def header_of(token: str) -> Header:
    """Return the header of *token*, of which nothing is proved yet.

    Raises:
        UnauthorizedError: it is not a compact JWS, its algorithm is none of ours, or it has
            `crit`.
    """
    header = COMPACT.fullmatch(token) and decoded(token.partition(".")[0])
    # Raised outside of any handler: msgspec's errors repeat what was sent.
    if not header:
        message = "The token is not a JWT signed with EdDSA, ES256 or RS256."
        raise UnauthorizedError(message)
    return header


def decoded(segment: str) -> Header | None:
    """Return the header in the base64url *segment*, or None where it is not acceptable."""
    try:
        return msgspec.json.decode(
            urlsafe_b64decode(segment + "=" * (-len(segment) % 4)), type=Header
        )
    except (ValueError, RecursionError):
        return None
