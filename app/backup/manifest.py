"""The manifest of a backup: what is in it, and the hash of each file.

It is written last, so that a backup without one is unfinished.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.backup.errors import BackupError
from app.progress import ProgressCallback

FILE_NAME = "manifest.json"
FileName = Annotated[str, Meta(pattern=r"^[a-z_]+\.copy\Z|^[a-z0-9-]+\.(pem|json)\Z")]
NaturalNumber = Annotated[int, Meta(ge=0)]


class FileEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the backup: its size in bytes, and its SHA-256 in hexadecimal."""

    size: NaturalNumber
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is in a backup.

    `schema` is the SHA-256 of each file that set up the database. The log ends at `position`, and
    continues `checkpoint`, the last that was signed before. `keks` are the keys of the keyring
    that a start needs.
    """

    version: Literal[1] = 1
    release: str
    created_at: datetime
    schema: Mapping[str, str]
    position: NaturalNumber
    checkpoint: str | None
    keks: tuple[str, ...]
    files: Mapping[FileName, FileEntry]

    @property
    def tables(self) -> list[str]:
        """Return the names of the tables."""
        return [name.removesuffix(".copy") for name in self.files if name.endswith(".copy")]

    @property
    def keys(self) -> list[str]:
        """Return the names of the files with keys."""
        return [name for name in self.files if not name.endswith(".copy")]

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files.values())


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest in *directory*.

    Raises:
        BackupError: it holds no backup, an unfinished one, or one of another format.
    """
    try:
        content = (directory / FILE_NAME).read_bytes()
    except FileNotFoundError:
        message = (
            f"{directory} is no complete backup: it has no {FILE_NAME}, which is written last."
            " Use another one."
        )
        raise BackupError(message) from None
    except OSError as error:
        raise BackupError.of_file(error, directory) from None
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = f"{directory / FILE_NAME} is damaged, or of another release: use another backup."
        raise BackupError(message) from None


def check_files(directory: Path, manifest: Manifest, report: ProgressCallback) -> None:
    """Compare the files in *directory* with *manifest*.

    Raises:
        BackupError: a file is missing, or is not as it was backed up.
    """
    for number, (name, expected) in enumerate(manifest.files.items()):
        report("Checking files", number, len(manifest.files))
        if entry_of(directory / name) != expected:
            message = f"{directory / name} is not as it was backed up: use another backup."
            raise BackupError(message)
    report("Checking files", len(manifest.files), len(manifest.files))


def entry_of(path: Path) -> FileEntry:
    """Return what the manifest should say of the file *path*; raise BackupError."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return FileEntry(size, file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise BackupError.of_file(error, path) from None
