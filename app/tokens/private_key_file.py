"""A file with a private key: made once, whole, and for its owner alone."""

import os
import stat
import tempfile
from collections.abc import Callable
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


def load_or_create_key(path: Path, name: str) -> Ed25519PrivateKey:
    """Return the key in the file *path* (PKCS #8, 0600), made at the first call.

    Raises:
        TokenKeyError: the file or its directory cannot be used, others than its owner may read or
            write the file, or it holds no Ed25519 key; it calls the key *name*.
    """
    try:
        return parse_private_key(read_or_create(path, generate_pem), path, name)
    except OSError as error:
        message = f"the {name} {path} cannot be used: {error.strerror}"
        raise TokenKeyError(message) from None


def generate_pem() -> bytes:
    """Return a fresh private key; unencrypted, as the file's mode protects it."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def parse_private_key(pem: bytes, path: Path, name: str) -> Ed25519PrivateKey:
    """Return the key in *pem*; the refusal names *path* and nothing of the content."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"the {name} {path} is no Ed25519 key in PEM (PKCS #8, not encrypted)"
        raise TokenKeyError(message)
    return key


MAX_FILE_BYTES = 4096


def read_or_create(path: Path, new_content: Callable[[], bytes]) -> bytes:
    """Return what is in the file *path*, made with *new_content* if there is none.

    Processes that come at the same time all get the same content.

    Raises:
        OSError: the file or its directory cannot be used.
        TokenKeyError: it is no file, or others than its owner may read or write it.
    """
    if not path.exists():
        create(path, new_content())
    return read_owner_only(path)


def create(path: Path, content: bytes) -> None:
    """Make the file, whole and 0600 from the start, unless another process was faster."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        link_if_absent(file.name, path)
    sync_directory(path.parent)


def link_if_absent(source: str, path: Path) -> None:
    """Give the file *source* the name *path* too, unless that name is taken."""
    # A rename would replace the key of a process that was faster, and void its tokens.
    try:
        os.link(source, path)
    except FileExistsError:
        return


def sync_directory(directory: Path) -> None:
    """Make new names in *directory* outlive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_owner_only(path: Path) -> bytes:
    """Return the start of the file, after a look at who else may read or write it."""
    # Opened first and looked at then, so that nobody can swap the file in between.
    # Non-blocking, so that a pipe in its place cannot hold us.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
            message = f"the key {path} must be a file of mode 0600; it is {stat.filemode(mode)}"
            raise TokenKeyError(message)
        return file.read(MAX_FILE_BYTES)
