"""Registered claims (RFC 7519, section 4.1): who issued a token, for whom, and when it is valid."""

from typing import cast

import msgspec

from app.tokens.errors import UnauthorizedError

LEEWAY = 60.0  # seconds that the issuer's clock may differ from ours
END_OF_TIME = 1e18  # seconds; what is later than that may be too large for a float
Claims = dict[str, object]


def claims_in(payload: bytes) -> Claims:
    """Return the claims of a verified *payload*. Raises UnauthorizedError: it is no JSON object."""
    claims = decoded(payload)
    if claims is None:
        message = "The token's payload is not a JSON object."
        raise UnauthorizedError(message)
    return claims


def decoded(payload: bytes) -> Claims | None:
    """Return the JSON object in *payload*, or None; the reason would repeat what was sent."""
    try:
        return msgspec.json.decode(payload, type=Claims)
    except (ValueError, RecursionError):
        return None


def require_meant(claims: Claims, issuer: str, audience: str) -> None:
    """Raise UnauthorizedError unless the token is by *issuer* and for *audience*."""
    if claims.get("iss") != issuer:
        message = "The token is of another issuer."
        raise UnauthorizedError(message)
    named = claims.get("aud")
    if audience not in (cast("list[object]", named) if isinstance(named, list) else [named]):
        message = "The token is for another audience."
        raise UnauthorizedError(message)


def valid_until(claims: Claims, now: float) -> float:
    """Return when the token ends, leeway included, in seconds since 1970 as *now* is.

    Raises:
        UnauthorizedError: `exp` is missing or over, `nbf` or `iat` is in the future, or one of
            them is not a number.
    """
    expires = seconds(claims, "exp")
    if expires is None or now >= expires + LEEWAY:
        message = "The token has expired, or has no exp."
        raise UnauthorizedError(message)
    for claim in ("nbf", "iat"):
        if (seconds(claims, claim) or 0.0) > now + LEEWAY:
            message = f"The token is not valid yet ({claim})."
            raise UnauthorizedError(message)
    return expires + LEEWAY


def seconds(claims: Claims, claim: str) -> float | None:
    """Return the time *claim* (a NumericDate), or None where it is not there."""
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"The token's {claim} is not a number."
        raise UnauthorizedError(message)
    return min(value, END_OF_TIME)
