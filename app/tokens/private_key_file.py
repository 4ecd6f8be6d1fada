"""A file with a private key: created once, whole, and for its owner alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.private_files import PrivateFileError, create_private_file, read_private_file
from app.tokens.errors import TokenKeyError

Key = TypeVar("Key", Ed25519PrivateKey, X25519PrivateKey)


def load_key(path: Path, name: str, *, create: bool) -> Ed25519PrivateKey:
    """Return the Ed25519 key in the file *path*, as `load_key_of`."""
    return load_key_of(Ed25519PrivateKey, path, name, create=create)


def load_key_of(kind: type[Key], path: Path, name: str, *, create: bool) -> Key:
    """Return the key in the file *path* (PKCS #8, 0600); *create* makes one if it is missing.

    Raises:
        TokenKeyError: the file or its directory cannot be used, others than its owner may read or
            write the file, or it holds no key of that *kind*; it calls the key *name*.
    """
    try:
        pem = read_or_create(path, lambda: generate_pem(kind)) if create else read_key(path)
        return parse_private_key(kind, pem, path, name)
    except OSError as error:
        message = f"the {name} {path} cannot be used: {error.strerror}"
        if isinstance(error, FileNotFoundError) and not create:
            message = (
                f"the {name} {path} is not there: copy the file from the host or backup that has"
                " it, or for a new installation start the service here once (integrations serve,"
                " which also says what to do if it is lost for good)"
            )
        raise TokenKeyError(message) from None


def generate_pem(kind: type[Ed25519PrivateKey | X25519PrivateKey]) -> bytes:
    """Return a fresh private key; unencrypted, as the file's mode protects it."""
    return kind.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def parse_private_key(kind: type[Key], pem: bytes, path: Path, name: str) -> Key:
    """Return the key in *pem*; the refusal names *path* and nothing of the content."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        key = None
    if not isinstance(key, kind):
        algorithm = kind.__name__.removesuffix("PrivateKey")
        message = f"the {name} {path} is no {algorithm} key in PEM (PKCS #8, not encrypted)"
        raise TokenKeyError(message)
    return key


MAX_FILE_BYTES = 4096


def read_or_create(path: Path, new_content: Callable[[], bytes]) -> bytes:
    """Return what is in the file *path*, created with *new_content* if there is none.

    Processes that come at the same time all get the same content. Raises as `read_key`.
    """
    if not path.exists():
        create_private_file(path, new_content())
    return read_key(path)


def read_key(path: Path) -> bytes:
    """Return what is in the file *path*.

    Raises:
        OSError: the file or its directory cannot be used.
        TokenKeyError: it is no file, not ours, or others may read or write it.
    """
    try:
        return read_private_file(path, MAX_FILE_BYTES)
    except PrivateFileError as error:
        message = f"the key {path} must be a file of mode 0600; it {error}"
        raise TokenKeyError(message) from None
