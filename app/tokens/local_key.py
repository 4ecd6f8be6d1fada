"""The service's own token key, for where no JWKS is configured."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.tokens.errors import TokenKeyError
from app.tokens.jwks import usable_keys
from app.tokens.jws import VerificationKey, sign
from app.tokens.key_file import read_or_create
from app.tokens.keys import KeySource
from app.tokens.principal import principal_from

FILE_NAME = "token-key.pem"


class LocalKey(KeySource):
    """An Ed25519 key that this service signs with and trusts.

    Its `kid` is the RFC 7638 thumbprint (for Ed25519: RFC 8037, section 2), so that another
    key in the same file is another name.
    """

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        public = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": base64url(public)}
        self.kid = base64url(sha256(msgspec.json.encode(jwk)).digest())
        self._keys = usable_keys(msgspec.json.encode({"keys": [jwk | {"kid": self.kid}]})).keys

    def keys(self) -> tuple[VerificationKey, ...]:
        """Return the one key."""
        return self._keys

    def issue(  # noqa: PLR0913 — each is a claim of the token, named at the call
        self,
        *,
        workspace: str,
        subject: str,
        ttl: float,
        issuer: str,
        audience: str,
        now: float,
        role: str | None = None,
        permissions: Iterable[str] | None = None,
    ) -> str:
        """Return a token for *workspace*, valid from *now* (seconds since 1970) for *ttl* seconds.

        Raises:
            UnauthorizedError: it would be refused when used: a malformed workspace or subject,
                an unknown role, or neither role nor permissions.
        """
        claims: dict[str, object] = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "iat": int(now),
            "exp": int(now + ttl),
            "workspaceId": workspace,
        }
        if permissions is not None:
            claims["permissions"] = sorted(permissions)
        if role is not None:
            claims["role"] = role
        principal_from(claims)
        return sign(claims, self._private_key, self.kid)


def open_local_key(data_dir: Path) -> LocalKey:
    """Return the key in `token-key.pem` (PKCS #8, 0600) of *data_dir*, made at the first call.

    Raises:
        TokenKeyError: the file or the directory cannot be used, others than its owner may read
            or write the file, or it holds no Ed25519 key.
    """
    path = data_dir / FILE_NAME
    try:
        return LocalKey(private_key_in(read_or_create(path, new_pem), path))
    except OSError as error:
        message = f"the token key {path} cannot be used: {error.strerror}"
        raise TokenKeyError(message) from None


def new_pem() -> bytes:
    """Return a fresh private key; unencrypted, as the file's mode protects it."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def private_key_in(pem: bytes, path: Path) -> Ed25519PrivateKey:
    """Return the key in *pem*; the refusal names *path* and nothing of the content."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"the token key {path} is no Ed25519 key in PEM (PKCS #8, not encrypted)"
        raise TokenKeyError(message)
    return key


def base64url(raw: bytes) -> str:
    """Return *raw* as base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
