"""Files for their owner alone, such as keys: created whole, read only if nobody else can."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from shlex import quote


class PrivateFileError(Exception):
    """A file may be used by others than its owner; `remedy` says what to do, if that is clear."""

    def __init__(self, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem)
        self.remedy = remedy


def read_private_file(path: Path, max_bytes: int) -> bytes:
    """Return the first *max_bytes* of the file *path*; symbolic links are followed.

    Raises:
        OSError: the file cannot be read.
        PrivateFileError: it is no file, not ours, or open to others.
    """
    # Owner and mode are those of the open file, so that nobody can replace it in between.
    # O_NONBLOCK: a pipe in its place must not block the start for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        require_owner_only(path, os.fstat(descriptor))
        return file.read(max_bytes)


def require_owner_only(path: Path, status: os.stat_result) -> None:
    """Raise PrivateFileError unless *status* is that of a regular file, ours, closed to others."""
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        problem = "is not a regular file"
        raise PrivateFileError(problem)
    if status.st_uid != os.geteuid():
        problem = f"belongs to user {status.st_uid}, and this is user {os.geteuid()}"
        raise PrivateFileError(problem, "start as its owner, or change the owner")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        problem = f"is open to others (mode {mode:04o})"
        raise PrivateFileError(problem, f"run chmod 600 {quote(str(path))}")


def create_private_file(path: Path, content: bytes) -> None:
    """Create the file *path* with mode 0600, unless another process was faster.

    Whole or not at all: the content is on disk before the name is, and a link, unlike a rename,
    never replaces what is there. So processes that start together agree on the first one's key,
    and nothing is ever sealed or signed with a key that a power cut could take away.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Wait until the names in *directory* are on disk and survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
