"""The key that a token names for answers to be sealed to (RFC 7800, `cnf.jwk`)."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import cast

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from msgspec import Struct

from app.tokens.jwt import base64url
from app.tokens.thumbprint import thumbprint

KEY_BYTES = 32
PROBE = X25519PrivateKey.generate()  # of this process alone; nothing is ever encrypted with it


class Recipient(Struct, frozen=True):
    """The public X25519 key (RFC 7748) of a worker: 32 bytes, and its RFC 7638 thumbprint."""

    public: bytes
    thumbprint: str


def recipient_from(claims: Mapping[str, object]) -> Recipient | None:
    """Return the recipient that verified *claims* confirm; None if there is no usable one.

    A point of low order is not usable: what is sealed to it, everybody could open. A `jwk` with a
    private key is not either, as it is private no more.
    """
    jwk = confirmed_jwk(claims)
    if (jwk.get("kty"), jwk.get("crv")) != ("OKP", "X25519") or "d" in jwk:
        return None
    public = decode_public(jwk.get("x"))
    return None if public is None else Recipient(public, thumbprint("X25519", public))


def confirmed_jwk(claims: Mapping[str, object]) -> Mapping[str, object]:
    """Return the JWK in `cnf`, empty if there is none."""
    confirmation = claims.get("cnf")
    if not isinstance(confirmation, dict):
        return {}
    jwk = cast("dict[str, object]", confirmation).get("jwk")
    return cast("dict[str, object]", jwk) if isinstance(jwk, dict) else {}


def decode_public(text: object) -> bytes | None:
    """Return the key that *text*, base64url without padding, spells; None if it is unusable."""
    if not isinstance(text, str) or len(text) != len(base64url(bytes(KEY_BYTES))):
        return None
    try:
        public = urlsafe_b64decode(text + "=")
        PROBE.exchange(X25519PublicKey.from_public_bytes(public))  # fails for low orders
    except (ValueError, binascii.Error):
        return None
    return public if base64url(public) == text else None
