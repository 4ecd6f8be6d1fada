"""Changes of a keyring file: one at a time, whole or not at all, and never under a reader's feet.

A change writes a new file and puts it in the old one's place by a rename. Its bytes are on disk
before its name is, and its name before the change is told of.
"""

import fcntl
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from app.secrets.errors import KeyringError, UnknownKekError
from app.secrets.keyring_file import read_keks, sync_folder
from app.secrets.keyring_format import Kek, encode, new_kek


def add_kek(path: Path) -> Kek:
    """Put a new current KEK into the file *path*, retire the others; return the new one.

    Raises:
        KeyringError: the file cannot be read or changed, or somebody else changes it right now.
    """
    with changing(path) as file:
        keks = read_keks(file)
        added = new_kek(1 + max(epoch_of(kek) for kek in keks))
        put_in_place(file, [*(replace(kek, state="retired") for kek in keks), added])
    return added


def drop_kek(path: Path, kek_id: str) -> None:
    """Take the retired KEK *kek_id* out of the file *path*.

    Raises:
        UnknownKekError: the file does not have it.
        KeyringError: it is current, or as in `add_kek`.
    """
    with changing(path) as file:
        keks = {kek.id: kek for kek in read_keks(file)}
        dropped = keks.pop(kek_id, None)
        if dropped is None:
            raise UnknownKekError(kek_id)
        if dropped.state == "current":
            problem = f"wraps with {kek_id}, which is current"
            raise KeyringError(problem, "run integrations keys rotate first")
        put_in_place(file, [*keks.values()])


def epoch_of(kek: Kek) -> int:
    """Return the number in the id of *kek*."""
    return int(kek.id.split("-")[1])


@contextmanager
def changing(path: Path) -> Generator[Path]:
    """Be the only one that changes the keyring *path*; yield the file itself, links followed.

    The lock is a file of its own, as the keyring is replaced; the operating system gives it back
    however the process ends.
    """
    file = path.resolve()
    try:
        with os.fdopen(os.open(beside(file, "lock"), os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
    except BlockingIOError:
        problem = f"{path} is being changed by another command"
        raise KeyringError(problem, "wait for that one and run this again") from None
    except OSError as error:
        problem = f"{path} cannot be changed ({error.strerror})"
        raise KeyringError(problem, "make its folder writable, or change it where it is") from None


def put_in_place(file: Path, keks: Sequence[Kek]) -> None:
    """Replace the content of *file* by *keks*.

    The new file has always the same name, so that what a killed command left of one, with keys in
    it, is gone after the next.
    """
    new = beside(file, "new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(encode(*keks).reveal())
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)
    sync_folder(file.parent)


def beside(file: Path, what: str) -> Path:
    """Return the hidden file that belongs to *file*."""
    return file.with_name(f".{file.name}.{what}")
