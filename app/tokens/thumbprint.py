"""The name of a key that follows from the key itself."""

from hashlib import sha256
from typing import Literal

import msgspec

from app.tokens.jwt import base64url


def thumbprint(curve: Literal["Ed25519", "X25519"], public: bytes) -> str:
    """Return the RFC 7638 thumbprint of a *public* key (RFC 8037, section 2)."""
    members = {"crv": curve, "kty": "OKP", "x": base64url(public)}
    return base64url(sha256(msgspec.json.encode(members)).digest())
