"""The private key of a delivery worker, which leases are sealed to."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.tokens.jwt import base64url
from app.tokens.private_key_file import load_key_of


def open_worker_key(path: Path) -> str:
    """Return the public half, base64url, of the X25519 key in *path* (PKCS #8, 0600), made if new.

    Raises:
        TokenKeyError: the file cannot be used, is open to others, or holds another kind of key.
    """
    key = load_key_of(X25519PrivateKey, path, "worker key", create=True)
    return base64url(key.public_key().public_bytes_raw())
