"""A backup that is being written: private files, each with its hash, and the manifest last."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from app.backup.errors import BackupError
from app.backup.manifest import FILE_NAME, FileEntry, Manifest
from app.private_files import sync_directory


class HashedFile:
    """A new file, for its owner alone, that counts and hashes what is written to it."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._hash = sha256()
        self._size = 0

    def write(self, content: bytes) -> None:
        """Append *content*."""
        self._file.write(content)
        self._hash.update(content)
        self._size += len(content)

    def finish(self) -> FileEntry:
        """Close the file when all of it is on disk; return its entry."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return FileEntry(self._size, self._hash.hexdigest())

    def close(self) -> None:
        """Close the file, whatever is in it."""
        self._file.close()


class NewBackup:
    """The files that are being written into one directory; `files` are those that are whole."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[str, FileEntry] = {}
        self._created: list[Path] = []

    @contextmanager
    def create(self, name: str) -> Generator[HashedFile]:
        """Yield a new file; it is in `files` when the block ends well."""
        path = self.directory / name
        file = HashedFile(path)
        self._created.append(path)
        try:
            yield file
            self.files[name] = file.finish()
        finally:
            file.close()

    def finish(self, manifest: Manifest) -> None:
        """Write *manifest*: from here on the backup is complete, after a power cut, too."""
        content = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
        with self.create(f"{FILE_NAME}.new") as file:
            file.write(content)
        sync_directory(self.directory)
        (self.directory / f"{FILE_NAME}.new").rename(self.directory / FILE_NAME)
        sync_directory(self.directory)

    def discard(self) -> None:
        """Remove what was written, which gives a full disk its space back."""
        for path in self._created:
            path.unlink(missing_ok=True)


@contextmanager
def new_backup(directory: Path) -> Generator[NewBackup]:
    """Yield a backup in *directory*, which is made if it is missing; discarded if the block fails.

    Raises:
        BackupError: the directory is not empty, or cannot be written to.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_empty(directory)
        directory.chmod(0o700)
        sync_directory(directory.parent)
        backup = NewBackup(directory)
        try:
            yield backup
        except BaseException:
            backup.discard()
            raise
    except OSError as error:
        message = f"No backup was made: {error.filename or directory}: {error.strerror}."
        raise BackupError(message) from None


def require_empty(directory: Path) -> None:
    """Raise BackupError if there is anything in *directory*."""
    if not any(directory.iterdir()):
        return
    what = "holds a backup" if (directory / FILE_NAME).exists() else "is not empty"
    message = f"{directory} {what}: name a new or an empty directory."
    raise BackupError(message)
