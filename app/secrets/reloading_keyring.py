"""The keyring of one machine, as its file is now: read again whenever the file has changed."""

import fcntl
import logging
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from app.private_files import sync_directory
from app.secrets.errors import KeyringError, UnknownKekError
from app.secrets.keyring import KekInfo, WrappedKey
from app.secrets.keyring_file import (
    FileKeyring,
    Kek,
    encode_keyring,
    new_kek,
    open_file_keyring,
    read_keks,
)
from app.secrets.secret import Secret

log = logging.getLogger(__name__)
FileStamp = tuple[int, int] | None


class ReloadingKeyring:
    """The KEKs in the file *path*, which is made if it is not there; a `ManagedKeyring`.

    Each use looks at the file's stamp (a microsecond or two), so that all workers wrap under a
    new KEK with their next secret, and have forgotten a removed one. A file that has become
    unusable changes nothing: the KEKs read before stay in use, and a warning is logged.

    Raises:
        KeyringError: the file cannot be made, read or trusted.
    """

    __slots__ = ("_held", "_path", "_stamp")

    def __init__(self, path: Path) -> None:
        open_file_keyring(path)
        self._path = path
        # The stamp of before the reading: what happens meanwhile is seen as a change.
        self._stamp = file_stamp(path)
        self._held = FileKeyring(read_keks(path))

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

    async def rotate(self) -> str:
        """Put a new current KEK into the file; return its id."""
        return add_kek(self._path).id

    async def remove(self, kek: str) -> None:
        """Take a retired KEK out of the file."""
        remove_kek(self._path, kek)

    async def close(self) -> None:
        """Do nothing: a file that has been read is closed."""

    def _current(self) -> FileKeyring:
        stamp = file_stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._held = FileKeyring(read_keks(self._path))
            except KeyringError as error:
                log.warning("%s The keys read before stay in use.", error)
        return self._held

    def __repr__(self) -> str:
        return f"ReloadingKeyring({str(self._path)!r})"


def file_stamp(path: Path) -> FileStamp:
    """Return what differs once a file was replaced, written to or opened to others."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


def add_kek(path: Path) -> Kek:
    """Put a new current KEK into the file *path*, retire the others; return the new one.

    Raises:
        KeyringError: the file cannot be read or changed, or somebody else changes it right now.
    """
    with exclusive_update(path) as file:
        keks = read_keks(file)
        added = new_kek(1 + max(kek_epoch(kek) for kek in keks))
        replace_file(file, [*(replace(kek, state="retired") for kek in keks), added])
    return added


def remove_kek(path: Path, kek_id: str) -> None:
    """Take the retired KEK *kek_id* out of the file *path*.

    Raises:
        UnknownKekError: the file does not have it.
        KeyringError: it is current, or as in `add_kek`.
    """
    with exclusive_update(path) as file:
        keks = {kek.id: kek for kek in read_keks(file)}
        dropped = keks.pop(kek_id, None)
        if dropped is None:
            raise UnknownKekError(kek_id)
        if dropped.state == "current":
            problem = f"wraps with {kek_id}, which is current"
            raise KeyringError(problem, "run integrations keys rotate first")
        replace_file(file, [*keks.values()])


def kek_epoch(kek: Kek) -> int:
    """Return the number in the id of *kek*."""
    return int(kek.id.split("-")[1])


@contextmanager
def exclusive_update(path: Path) -> Generator[Path]:
    """Be the only one that changes the keyring *path*; yield the file itself, links followed.

    The lock is a file of its own, as the keyring is replaced; the operating system gives it back
    however the process ends.
    """
    file = path.resolve()
    try:
        with os.fdopen(os.open(sibling_file(file, "lock"), os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
    except BlockingIOError:
        problem = f"{path} is being changed by another command"
        raise KeyringError(problem, "wait for that one and run this again") from None
    except OSError as error:
        problem = f"{path} cannot be changed ({error.strerror})"
        raise KeyringError(problem, "make its folder writable, or change it where it is") from None


def replace_file(file: Path, keks: Sequence[Kek]) -> None:
    """Replace the content of *file* by *keks*.

    The new file has always the same name, so that what a killed command left of one, with keys in
    it, is gone after the next.
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
