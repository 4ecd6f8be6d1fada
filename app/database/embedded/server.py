"""The client's side: take a lease on the server of a data directory, start it if need be."""

import os
import subprocess
import sys
import time
from fcntl import LOCK_SH
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.database.embedded.account import SYSTEM_ACCOUNT, current_user
from app.database.embedded.config import ROLE
from app.database.embedded.data_directory import ServerDirectory, create_server_directory
from app.database.embedded.errors import (
    DataDirectoryError,
    EmbeddedServerError,
    NotOnThisPlatformError,
    NotRunningError,
)
from app.database.embedded.keeper import READY, TAKEN
from app.database.embedded.postmaster import START_TIMEOUT
from app.database.embedded.processes import (
    POLL_INTERVAL,
    is_held,
    is_shared,
    lock_within,
    open_lock,
)

CLOSE_TIMEOUT = 5.0
CODE_ROOT = Path(__file__).parents[3]
INHERITED_VARIABLES = (
    "PATH",
    "LD_LIBRARY_PATH",
)  # what an interpreter may need, and nothing secret


class EmbeddedServer:
    """A lease on the server; it runs at least until the lease is closed or its process ends.

    `dsn` is a libpq conninfo string: the private socket, the cluster's superuser and its
    database (`integrations` both). The lease is an open file: a fork shares it, an exec drops it.
    """

    dsn: str

    def __init__(self, home: ServerDirectory, lease: BinaryIO) -> None:
        self.dsn = server_dsn(home)
        self._home = home
        self._lease = lease

    def close(self) -> None:
        """Give the lease back; the last one waits, up to CLOSE_SECONDS, for the server's stop."""
        self._lease.close()
        deadline = time.monotonic() + CLOSE_TIMEOUT
        while is_held(self._home.keeper) and not is_shared(self._home.leases):
            if time.monotonic() > deadline:
                return  # the keeper continues stopping it, in a session of its own
            time.sleep(POLL_INTERVAL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_embedded(data_dir: Path, *, durable: bool = True) -> EmbeddedServer:
    """Join the server of *data_dir*, or start it; the cluster is made at the first start.

    A lease survives the keeper: when the server is lost, opening again brings it back. With
    *durable* False it is another server with its own cluster, without fsync: for tests only.

    Raises:
        EmbeddedServerError: it cannot run here; one line says why and what to do.
    """
    if sys.platform != "linux":
        raise NotOnThisPlatformError
    try:
        home = create_server_directory(data_dir, durable=durable)
        lease = open_lock(home.leases)
    except OSError as error:
        raise DataDirectoryError.refused(error, data_dir) from None
    try:
        acquire_lease(home, lease)
    except BaseException:
        lease.close()
        raise
    return EmbeddedServer(home, lease)


def acquire_lease(home: ServerDirectory, lease: BinaryIO) -> None:
    """Take *lease* and return when the server answers."""
    deadline = time.monotonic() + START_TIMEOUT
    if not lock_within(START_TIMEOUT, lease, LOCK_SH):  # a keeper that stops holds it
        raise NotRunningError(home.path, home.log)
    while not is_held(home.ready):
        if time.monotonic() > deadline:
            raise NotRunningError(home.path, home.log)
        if not is_held(home.keeper):
            start_keeper(home)
        time.sleep(POLL_INTERVAL)


def start_keeper(home: ServerDirectory) -> None:
    """Start a keeper in a session of its own, where Ctrl-C does not reach; wait for its word.

    Raises:
        EmbeddedServerError: in the keeper's words.
    """
    mode = "durable" if home.durable else "throwaway"
    log = os.open(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        keeper = subprocess.run(  # noqa: S603 # ourselves, no shell
            [sys.executable, "-m", "app.database.embedded", str(home.path), mode],
            cwd=CODE_ROOT,
            env={name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            timeout=START_TIMEOUT,
            check=False,
        )
    finally:
        os.close(log)
    word = keeper.stdout.decode().strip()
    if word not in {READY, TAKEN}:
        raise EmbeddedServerError(word) if word else NotRunningError(home.path, home.log)


def server_dsn(home: ServerDirectory) -> str:
    """Return how to connect; the port is said lest PGPORT choose, the peer lest an impostor."""
    owner = SYSTEM_ACCOUNT if os.geteuid() == 0 else current_user()
    parts = {"host": str(home.sockets), "port": "5432", "user": ROLE, "dbname": ROLE}
    return " ".join(f"{name}={value}" for name, value in parts.items()) + f" requirepeer='{owner}'"
