"""What goes wrong with backups."""

from pathlib import Path


class BackupError(Exception):
    """A backup cannot be made or restored; the message is one line that says what to do."""

    @classmethod
    def of_file(cls, error: OSError, path: Path) -> "BackupError":
        """The operating system refused *path* with *error* (a full disk, a missing right)."""
        return cls(f"{error.filename or path}: {error.strerror}.")
