"""The files of one embedded server, and who may enter their directory."""

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.database.embedded.errors import DataDirectoryError

SOCKET_NAME = ".s.PGSQL.5432"
MAX_SOCKET_PATH = 107  # bytes: sockaddr_un.sun_path without its NUL (unix(7))
# A comma, a quote or a leading @ in a socket directory is syntax for libpq and PostgreSQL.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


@dataclass(frozen=True)
class ServerDirectory:
    """The directory of one server: `postgres`, or `postgres-throwaway` for one without fsync.

    It belongs to the user who runs the service; as root only the cluster and the socket directory
    belong to the server's account, so that it can replace nothing that root writes to. Each lock
    means one thing while it is held: `leases` (shared) that a client needs the server, `keeper`
    that a keeper lives, `ready` that the server accepts connections, `processes` that a process
    of the server or of initdb is alive.
    """

    path: Path
    durable: bool

    @property
    def leases(self) -> Path:
        """Lock that every client holds, shared."""
        return self.path / "leases.lock"

    @property
    def keeper(self) -> Path:
        """Lock that the one keeper holds as long as it lives."""
        return self.path / "keeper.lock"

    @property
    def ready(self) -> Path:
        """Lock that the keeper holds while the server accepts connections."""
        return self.path / "ready.lock"

    @property
    def processes(self) -> Path:
        """Lock that every process of the server inherits."""
        return self.path / "processes.lock"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory, complete or absent."""
        return self.path / "cluster"

    @property
    def unfinished(self) -> Path:
        """The cluster while initdb writes it."""
        return self.path / "cluster.new"

    @property
    def log(self) -> Path:
        """Log of the keeper, initdb and the server; limited in size, and without data."""
        return self.path / "server.log"

    @property
    def sockets(self) -> Path:
        """Directory of the socket: here, or in /tmp if this path is too long or not plain."""
        here = self.path / "socket"
        if PLAIN_PATH.fullmatch(str(here)) and len(f"{here}/{SOCKET_NAME}") <= MAX_SOCKET_PATH:
            return here
        name = f"integrations-{sha256(os.fsencode(self.path)).hexdigest()[:16]}"
        return Path("/tmp", name)  # noqa: S108 # the same for each process, regardless of TMPDIR


def create_server_directory(data_dir: Path, *, durable: bool) -> ServerDirectory:
    """Return the server's directory in *data_dir*, and create what is missing.

    Raises:
        DataDirectoryError: the directory belongs to another user.
        OSError: a directory cannot be created.
    """
    directory = ServerDirectory(
        data_dir.resolve() / ("postgres" if durable else "postgres-throwaway"), durable
    )
    create_directory(directory.path.parent)
    create_directory(directory.path)
    if {directory.path.lstat().st_uid, directory.path.stat().st_uid} != {os.geteuid()}:
        raise DataDirectoryError.not_ours(
            directory.path, directory.path.stat().st_uid, os.geteuid()
        )
    return directory


def create_directory(path: Path) -> None:
    """Create *path* for its owner only; as root the server's account may pass through, not list.

    An existing directory keeps its mode: opening it is not for the service to decide.
    """
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        path.chmod(0o711)
