"""The client's side: take a lease on the server of a data directory, and start it if needed."""

import os
import subprocess
import sys
import time
from fcntl import LOCK_SH
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from psycopg.conninfo import make_conninfo

from app.database.connection import ROLES_LOG_IN
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

CLOSE_TIMEOUT = 5.0  # seconds
CODE_ROOT = Path(__file__).parents[3]
INHERITED_VARIABLES = ("PATH", "LD_LIBRARY_PATH")  # for the interpreter; nothing secret


class EmbeddedServer:
    """A lease on the server; it runs at least until the lease is closed or its process ends.

    `dsn` is a libpq conninfo string: the private socket, the cluster's superuser and its
    database (`integrations` both). The lease is an open file: a fork shares it, an exec drops it.
    """

    dsn: str

    def __init__(self, directory: ServerDirectory, lease: BinaryIO) -> None:
        self.dsn = server_dsn(directory)
        self._directory = directory
        self._lease = lease

    def close(self) -> None:
        """Release the lease; the last one waits, up to CLOSE_TIMEOUT, for the server to stop."""
        self._lease.close()
        deadline = time.monotonic() + CLOSE_TIMEOUT
        while is_held(self._directory.keeper) and not is_shared(self._directory.leases):
            if time.monotonic() > deadline:
                return  # the keeper, in a session of its own, continues to stop it
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


def open_embedded(
    data_dir: Path, *, durable: bool = True, programs: Path | None = None
) -> EmbeddedServer:
    """Return a lease on the server of *data_dir*, started if needed; the first start creates it.

    A lease survives the keeper: if the server is lost, a new call starts it again. With *durable*
    False it is another server with its own cluster, without fsync: for tests only. Who starts it
    says which folder of *programs* it is of; None is that of the package.

    Raises:
        EmbeddedServerError: it cannot run here; one line says why and what to do.
    """
    if sys.platform != "linux":
        raise NotOnThisPlatformError
    try:
        directory = create_server_directory(data_dir, durable=durable)
        lease = open_lock(directory.leases)
    except OSError as error:
        raise DataDirectoryError.refused(error, data_dir) from None
    try:
        acquire_lease(directory, lease, programs)
    except BaseException:
        lease.close()
        raise
    return EmbeddedServer(directory, lease)


def acquire_lease(directory: ServerDirectory, lease: BinaryIO, programs: Path | None) -> None:
    """Take *lease* and return when the server accepts connections."""
    deadline = time.monotonic() + START_TIMEOUT
    if not lock_within(START_TIMEOUT, lease, LOCK_SH):  # a stopping keeper holds it
        raise NotRunningError(directory.path, directory.log)
    while not is_held(directory.ready):
        if time.monotonic() > deadline:
            raise NotRunningError(directory.path, directory.log)
        if not is_held(directory.keeper):
            start_keeper(directory, programs)
        time.sleep(POLL_INTERVAL)


def start_keeper(directory: ServerDirectory, programs: Path | None) -> None:
    """Start a keeper in a session of its own, away from Ctrl-C; wait for its report.

    Raises:
        EmbeddedServerError: with the keeper's message.
    """
    arguments = [str(directory.path), "durable" if directory.durable else "throwaway"]
    arguments += [str(programs)] if programs else []
    log = os.open(directory.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        keeper = subprocess.run(  # noqa: S603 # this program, no shell
            [sys.executable, "-m", "app.database.embedded", *arguments],
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
    report = keeper.stdout.decode().strip()
    if report not in {READY, TAKEN}:
        raise (
            EmbeddedServerError(report)
            if report
            else NotRunningError(directory.path, directory.log)
        )


def server_dsn(directory: ServerDirectory) -> str:
    """Return the conninfo, with the port against PGPORT and the peer against an impostor."""
    owner = SYSTEM_ACCOUNT if os.geteuid() == 0 else current_user()
    return make_conninfo(
        host=str(directory.sockets), port=5432, user=ROLE, dbname=ROLE, requirepeer=owner,
        options=ROLES_LOG_IN,
    )  # fmt: skip
