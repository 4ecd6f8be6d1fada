"""The keyring of one machine, as its file is now: read again whenever the file has changed."""

import logging
from collections.abc import Sequence
from pathlib import Path

from app.secrets.errors import KeyringError
from app.secrets.keyring import ListedKek, WrappedKey
from app.secrets.keyring_changes import add_kek, drop_kek
from app.secrets.keyring_file import FileKeyring, open_keyring, read_keks
from app.secrets.secret import Secret

log = logging.getLogger(__name__)
Stamp = tuple[int, int] | None


class ReloadingKeyring:
    """The KEKs in the file *path*, which is made where it is not there; a `StoredKeyring`.

    Each use looks at the file's stamp (a microsecond or two), so that all workers wrap under a
    new KEK with their next secret, and have forgotten a removed one. A file that has become
    unusable changes nothing: the KEKs read before stay in use, and a warning is logged.

    Raises:
        KeyringError: the file cannot be made, read or trusted.
    """

    __slots__ = ("_held", "_path", "_stamp")

    def __init__(self, path: Path) -> None:
        open_keyring(path)
        self._path = path
        # The stamp of before the reading: what happens meanwhile is seen as a change.
        self._stamp = stamp_of(path)
        self._held = FileKeyring(read_keks(path))

    async def keks(self) -> Sequence[ListedKek]:
        """Return the KEKs that `unwrap` can use, oldest first."""
        return self._present().listed()

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        """Return *key* under the current KEK, bound to *aad* and to the KEK's id."""
        return await self._present().wrap(key, aad)

    async def unwrap(self, wrapped_key: WrappedKey, aad: bytes) -> Secret:
        """Return the key that was wrapped with the same *aad*.

        Raises:
            UnknownKekError: the file does not have the KEK.
            DecryptionError: the bytes, the KEK's id or *aad* are not those of `wrap`.
        """
        return await self._present().unwrap(wrapped_key, aad)

    async def rotate(self) -> str:
        """Put a new current KEK into the file; return its id."""
        return add_kek(self._path).id

    async def remove(self, kek: str) -> None:
        """Take a retired KEK out of the file."""
        drop_kek(self._path, kek)

    async def close(self) -> None:
        """Do nothing: a file that has been read is closed."""

    def _present(self) -> FileKeyring:
        stamp = stamp_of(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._held = FileKeyring(read_keks(self._path))
            except KeyringError as error:
                log.warning("%s The keys read before stay in use.", error)
        return self._held

    def __repr__(self) -> str:
        return f"ReloadingKeyring({str(self._path)!r})"


def stamp_of(path: Path) -> Stamp:
    """Return what differs once a file was replaced, written to or opened to others."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns
