"""The service's own Ed25519 keys: each in a file of the data directory, made at the first use."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.tokens.errors import TokenKeyError
from app.tokens.private_key_file import read_or_create


def open_private_key(path: Path, name: str) -> Ed25519PrivateKey:
    """Return the key in the file *path* (PKCS #8, 0600), made at the first call.

    Raises:
        TokenKeyError: the file or its directory cannot be used, others than its owner may read or
            write the file, or it holds no Ed25519 key; it calls the key *name*.
    """
    try:
        return private_key_in(read_or_create(path, new_pem), path, name)
    except OSError as error:
        message = f"the {name} {path} cannot be used: {error.strerror}"
        raise TokenKeyError(message) from None


def new_pem() -> bytes:
    """Return a fresh private key; unencrypted, as the file's mode protects it."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def private_key_in(pem: bytes, path: Path, name: str) -> Ed25519PrivateKey:
    """Return the key in *pem*; the refusal names *path* and nothing of the content."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"the {name} {path} is no Ed25519 key in PEM (PKCS #8, not encrypted)"
        raise TokenKeyError(message)
    return key
