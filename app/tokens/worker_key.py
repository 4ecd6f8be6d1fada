"""The private key of a delivery worker, which leases are sealed to."""

from pathlib import Path

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.tokens.errors import TokenKeyError
from app.tokens.jwt import base64url
from app.tokens.private_key_file import read_or_create


def open_worker_key(path: Path) -> str:
    """Return the public half, base64url, of the X25519 key in *path* (PKCS #8, 0600), made if new.

    Raises:
        TokenKeyError: the file cannot be used, is open to others, or holds another kind of key.
    """
    try:
        pem = read_or_create(path, generate_pem)
        key = load_pem_private_key(pem, password=None)
    except OSError as error:
        message = f"the worker key {path} cannot be used: {error.strerror}"
        raise TokenKeyError(message) from None
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        key = None
    if not isinstance(key, X25519PrivateKey):
        message = f"the worker key {path} is no X25519 key in PEM (PKCS #8, not encrypted)"
        raise TokenKeyError(message)
    return base64url(key.public_key().public_bytes_raw())


def generate_pem() -> bytes:
    """Return a fresh private key; unencrypted, as the file's mode protects it."""
    key = X25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
