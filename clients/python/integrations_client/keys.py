"""The two keys of a worker: its own, which opens leases, and the service's, which is pinned."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from os import PathLike
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from integrations_client.errors import ConfigurationError, InvalidLeaseError
from integrations_client.json_values import Json, as_list, as_object

FilePath = str | PathLike[str]


def base64url(raw: bytes) -> str:
    """Return *raw* as base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes that *text* spells; raise ValueError if it is not their one spelling."""
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(raw) != text:
        message = "not base64url without padding"
        raise ValueError(message)
    return raw


def thumbprint(curve: str, public: bytes) -> str:
    """Return the RFC 7638 thumbprint of a key on *curve* (RFC 8037, section 2)."""
    members = {"crv": curve, "kty": "OKP", "x": base64url(public)}
    return base64url(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


class WorkerKey:
    """The private X25519 key of this worker, and the thumbprint of its public half."""

    def __init__(self, key: X25519PrivateKey | FilePath) -> None:
        self.private = key if isinstance(key, X25519PrivateKey) else load_private(Path(key))
        self.thumbprint = thumbprint("X25519", self.private.public_key().public_bytes_raw())


def load_private(path: Path) -> X25519PrivateKey:
    """Return the key in *path*, the file that `integrations worker-key` made."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        message = f"the worker key {path} cannot be read: {error.strerror}"
        raise ConfigurationError(message) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PrivateKey):
        message = f"the worker key {path} is no X25519 key in PEM (PKCS #8, not encrypted)"
        raise ConfigurationError(message)
    return key


class PinnedKeys:
    """The public keys that may sign leases: a JWK, a set of them, a response, or a file of these.

    A file is read again for an unknown key, so that the next key can be added before the service
    signs with it. Keys are never fetched from the service: who changes its responses could change
    them, too.
    """

    def __init__(self, keys: Json | FilePath) -> None:
        self._path = None if isinstance(keys, Mapping) else Path(keys)
        self._keys = read_keys(self._path) if self._path else parse_keys(keys)

    def find(self, kid: object) -> Ed25519PublicKey:
        """Return the key that *kid*, its thumbprint, names; raise InvalidLeaseError."""
        if kid not in self._keys and self._path:
            self._keys = read_keys(self._path)
        for known, key in self._keys.items():
            if known == kid:
                return key
        message = f"it is signed by a key that is not pinned: {str(kid)[:64]!r}"
        raise InvalidLeaseError(message)


def read_keys(path: Path) -> dict[str, Ed25519PublicKey]:
    """Return the keys in the file *path*, by thumbprint."""
    try:
        return parse_keys(json.loads(path.read_text()))
    except OSError as error:
        message = f"the lease key {path} cannot be read: {error.strerror}"
        raise ConfigurationError(message) from None
    except (ValueError, ConfigurationError):
        message = f"{path} holds no public key from `integrations lease-key`"
        raise ConfigurationError(message) from None


def parse_keys(document: object) -> dict[str, Ed25519PublicKey]:
    """Return the keys of a JWK, a JWK Set, a list of JWKs or a response with one, by thumbprint."""
    members = as_object(document)
    data = as_object(members.get("result")).get("data")
    listed = as_list(document) or as_list(members.get("keys")) or as_list(data) or [document]
    keys = [parse_key(as_object(jwk)) for jwk in listed]
    return {thumbprint("Ed25519", key.public_bytes_raw()): key for key in keys}


def parse_key(jwk: Json) -> Ed25519PublicKey:
    """Return the public Ed25519 key that *jwk* (RFC 8037) describes."""
    if (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519") and "d" not in jwk:
        with suppress(ValueError):
            return Ed25519PublicKey.from_public_bytes(from_base64url(str(jwk.get("x"))))
    message = "a lease key is a public Ed25519 key as a JWK, from `integrations lease-key`"
    raise ConfigurationError(message)
