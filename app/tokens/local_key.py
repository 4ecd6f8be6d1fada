"""The service's own token key, used if no JWKS is configured."""

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.loopback import is_loopback
from app.tokens.jwks import select_keys
from app.tokens.jwt import VerificationKey, base64url, sign
from app.tokens.key_source import KeySource
from app.tokens.principal import principal_from
from app.tokens.private_key_file import load_key
from app.tokens.thumbprint import thumbprint

FILE_NAME = "token-key.pem"
log = logging.getLogger(__name__)


class LocalKey(KeySource):
    """An Ed25519 key that this service signs with and trusts.

    Its `kid` is the RFC 7638 thumbprint (for Ed25519: RFC 8037, section 2), so that another
    key in the same file is another name.
    """

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        public = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.kid = thumbprint("Ed25519", public)
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": base64url(public), "kid": self.kid}
        self._keys = select_keys(msgspec.json.encode({"keys": [jwk]})).keys

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
        name: str | None = None,
        role: str | None = None,
        permissions: Iterable[str] | None = None,
        recipient: str | None = None,
    ) -> str:
        """Return a token for *workspace*, valid from *now* (seconds since 1970) for *ttl* seconds.

        *recipient* is the public X25519 key, in base64url, that leases are sealed to.

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
        if name is not None:
            claims["name"] = name
        if permissions is not None:
            claims["permissions"] = sorted(permissions)
        if role is not None:
            claims["role"] = role
        if recipient is not None:
            claims["cnf"] = {"jwk": {"kty": "OKP", "crv": "X25519", "x": recipient}}
        principal_from(claims, now + ttl)
        return sign(claims, self._private_key, self.kid)


def warn_of_local_key(host: str) -> None:
    """Log a warning that a service on the network address *host* trusts the local key."""
    if not is_loopback(host):
        log.warning(
            "The service listens on %s and trusts its own token key: a reader of %s can sign tokens"
            " for every workspace. Set INTEGRATIONS_JWKS to the keys of your identity provider.",
            host,
            FILE_NAME,
        )


def open_local_key(data_dir: Path, *, create: bool = False) -> LocalKey:
    """Return the key in `token-key.pem` (PKCS #8, 0600) of *data_dir*.

    *create* makes it if it is missing, as only an installation's first start does.

    Raises:
        TokenKeyError: the file or the directory cannot be used, others than its owner may read
            or write the file, or it holds no Ed25519 key.
    """
    return LocalKey(load_key(data_dir / FILE_NAME, "token key", create=create))
