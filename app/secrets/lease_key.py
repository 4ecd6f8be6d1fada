"""The key that signs leases: a key of its own, so that its signature means nothing else.

Workers pin its public half. `lease-key.pem` is the same on all hosts of an installation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from app.tokens.jwt import base64url, sign
from app.tokens.private_key_file import load_key
from app.tokens.thumbprint import thumbprint

FILE_NAME = "lease-key.pem"
LEASE_TYPE = "lease+jwt"  # a lease is never taken for an access token, nor the other way round


class PublicKey(Struct, frozen=True):
    """The public half of the key that signs leases, as a JWK (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"


class LeaseKey:
    """An Ed25519 key; the `kid` of its `public` half is the RFC 7638 thumbprint."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        raw = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PublicKey("OKP", "Ed25519", base64url(raw), thumbprint("Ed25519", raw))

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return the compact JWS of a lease with *claims* (RFC 7515, RFC 8037)."""
        return sign(claims, self._private_key, self.public.kid, LEASE_TYPE)


def open_lease_key(data_dir: Path, *, create: bool = False) -> LeaseKey:
    """Return the key in `lease-key.pem` (PKCS #8, 0600) of *data_dir*.

    *create* makes it if it is missing, as only an installation's first start does.

    Raises:
        TokenKeyError: the file or the directory cannot be used, others than its owner may read
            or write the file, or it holds no Ed25519 key.
    """
    return LeaseKey(load_key(data_dir / FILE_NAME, "lease key", create=create))
