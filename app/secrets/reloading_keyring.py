"""The keyring of one machine: its file is read again whenever it has changed."""

import fcntl
import logging
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from app.private_files import sync_directory
from app.secrets.errors import KeyringError, UnknownKekError
from app.secrets.keyring import KekInfo, Mac, WrappedKey
from app.secrets.keyring_file import (
    FileKeyring,
    Kek,
    encode_keyring,
    new_kek,
    read_keks,
)
from app.secrets.secret import Secret

log = logging.getLogger(__name__)
FileStamp = tuple[int, int] | None


class ReloadingKeyring:
    """The KEKs in the file *path*; a `ManagedKeyring`.

    Each use compares the file's stamp (a microsecond or two), so that all workers wrap under a new
    KEK with their next secret, and drop a removed one. If the file becomes unusable, the KEKs
    that were read before stay in use, and a warning is logged.

    Raises:
        KeyringError: the file is missing, or cannot be read or trusted.
    """

    __slots__ = ("_loaded", "_path", "_stamp")

    def __init__(self, path: Path) -> None:
        self._path = path
        # The stamp is taken before the file is read: a change in between is noticed.
        self._stamp = file_stamp(path)
        self._loaded = FileKeyring(read_keks(path))

    async def keks(self) -> Sequence[KekInfo]:
        """Return the KEKs that `unwrap` can use, oldest first."""
        return self._current().kek_infos()

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        """Return *key* under the current KEK, bound to *aad* and to the KEK's id."""
        return await self._current().wrap(key, aad)

    async def unwrap(self, wrapped_key: WrappedKey, aad: bytes) -> Secret:
        """Return the key that was wrapped with the same *aad*.

        Raises:
            UnknownKekError: the file does not have the KEK.
            DecryptionError: the bytes, the KEK's id or *aad* are not those of `wrap`.
        """
        return await self._current().unwrap(wrapped_key, aad)

    async def mac(self, message: bytes, kek: str | None = None) -> Mac:
        """Return the MAC of *message*, under the current KEK or *kek*; raise UnknownKekError."""
        return await self._current().mac(message, kek)

    async def rotate(self) -> str:
        """Add a new current KEK to the file; return its id."""
        return add_kek(self._path).id

    async def remove(self, kek: str) -> None:
        """Remove a retired KEK from the file."""
        remove_kek(self._path, kek)

    async def close(self) -> None:
        """Do nothing: the file is closed after each read."""

    def _current(self) -> FileKeyring:
        stamp = file_stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._loaded = FileKeyring(read_keks(self._path))
            except KeyringError as error:
                log.warning("%s The keys read before stay in use.", error)
        return self._loaded

    def __repr__(self) -> str:
        return f"ReloadingKeyring({str(self._path)!r})"


def file_stamp(path: Path) -> FileStamp:
    """Return what changes if a file is replaced, written to or gets another mode."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


def add_kek(path: Path) -> Kek:
    """Add a new current KEK to the file *path*, retire the others; return the new one.

    Raises:
        KeyringError: the file cannot be read or changed, or another command is changing it.
    """
    with exclusive_update(path) as file:
        keks = read_keks(file)
        added = new_kek(1 + max(kek_epoch(kek) for kek in keks))
        replace_file(file, [*(replace(kek, state="retired") for kek in keks), added])
    return added


def remove_kek(path: Path, kek_id: str) -> None:
    """Remove the retired KEK *kek_id* from the file *path*.

    Raises:
        UnknownKekError: the file does not have it.
        KeyringError: it is current, or as in `add_kek`.
    """
    with exclusive_update(path) as file:
        keks = {kek.id: kek for kek in read_keks(file)}
        removed = keks.pop(kek_id, None)
        if removed is None:
            raise UnknownKekError(kek_id)
        if removed.state == "current":
            problem = f"wraps with {kek_id}, which is current"
            raise KeyringError(problem, "run integrations keys rotate first")
        replace_file(file, [*keks.values()])


def kek_epoch(kek: Kek) -> int:
    """Return the number in the id of *kek*."""
    return int(kek.id.split("-")[1])


@contextmanager
def exclusive_update(path: Path) -> Generator[Path]:
    """Lock the keyring *path* for a change; yield the file itself, links followed.

    The lock is a separate file, as the keyring is replaced; the operating system releases it even
    if the process is killed.
    """
    file = path.resolve()
    try:
        with os.fdopen(os.open(sibling_file(file, "lock"), os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
    except BlockingIOError:
        problem = f"{path} is being changed by another command"
        raise KeyringError(problem, "wait for it and run this again") from None
    except OSError as error:
        problem = f"{path} cannot be changed ({error.strerror})"
        raise KeyringError(problem, "make its folder writable, or change it where it is") from None


def replace_file(file: Path, keks: Sequence[Kek]) -> None:
    """Replace the content of *file* by *keks*.

    The new file has always the same name, so that the next command removes what a killed command
    left, which holds keys.
    """
    new = sibling_file(file, "new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(encode_keyring(*keks).reveal())
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)
    sync_directory(file.parent)


def sibling_file(file: Path, what: str) -> Path:
    """Return the hidden file that belongs to *file*."""
    return file.with_name(f".{file.name}.{what}")
