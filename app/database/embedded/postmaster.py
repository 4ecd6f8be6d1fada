"""Start and stop of one postmaster, and whether it accepts connections."""

import os
import signal
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from app.database.embedded.account import Account
from app.database.embedded.cluster import create_cluster
from app.database.embedded.config import write_config
from app.database.embedded.data_directory import ServerDirectory
from app.database.embedded.errors import DataDirectoryError, NotRunningError
from app.database.embedded.processes import exclusive_claim, spawn

START_TIMEOUT = 120.0  # seconds; recovery after a crash reads at most max_wal_size
FAST_STOP_TIMEOUT = 8.0  # seconds
HARD_STOP_TIMEOUT = 5.0  # seconds
STATUS_LINE = 7  # of postmaster.pid, from 0 (src/include/utils/pidfile.h: LOCK_FILE_LINE_PM_STATUS)


@dataclass(frozen=True)
class Postmaster:
    """The server's first process, a child of this one."""

    directory: ServerDirectory
    process: subprocess.Popen[bytes]

    def is_ready(self) -> bool:
        """Return whether this process, and not that of an older pid file, accepts connections."""
        with suppress(FileNotFoundError):
            lines = (self.directory.cluster / "postmaster.pid").read_bytes().splitlines()
            ours = lines[:1] == [str(self.process.pid).encode()]
            return ours and lines[STATUS_LINE:][:1] == [b"ready   "]
        return False

    def wait_until_ready(self) -> None:
        """Wait until a connection is possible.

        Raises:
            NotRunningError: it stopped, or took longer than START_TIMEOUT.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NotRunningError(self.directory.path, self.directory.log)
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it: fast (open transactions end), then without a checkpoint, then by force.

        Fast is not always enough: during the recovery from a backend's crash, 18.6 hangs on it.
        """
        steps = ((signal.SIGINT, FAST_STOP_TIMEOUT), (signal.SIGQUIT, HARD_STOP_TIMEOUT))
        for request, seconds in (*steps, (signal.SIGKILL, HARD_STOP_TIMEOUT)):
            self.process.send_signal(request)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
                return


def start_postmaster(directory: ServerDirectory, programs: Path, account: Account) -> Postmaster:
    """Start the server of *directory*; create the cluster first if there is none.

    Raises:
        EmbeddedServerError: the cluster cannot be created or the server does not start.
    """
    with exclusive_claim(directory) as claim:
        create_cluster(directory, programs, account, claim)
        # No process lives: a pid file, or a socket's lock file, can only name an unrelated one.
        (directory.cluster / "postmaster.pid").unlink(missing_ok=True)
        recreate_socket_directory(directory, account)
        command = [str(programs / "postgres"), *write_config(directory)]
        postmaster = Postmaster(directory, spawn(command, account, claim, signal.SIGQUIT))
    try:
        postmaster.wait_until_ready()
    except NotRunningError:
        postmaster.stop()
        raise
    return postmaster


def recreate_socket_directory(directory: ServerDirectory, account: Account) -> None:
    """Create the socket directory, empty and closed to others.

    Raises:
        DataDirectoryError: another user has created something there (possible in /tmp only).
    """
    with suppress(FileNotFoundError):
        found = directory.sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.uid}:
            raise DataDirectoryError.occupied(directory.sockets)
        rmtree(directory.sockets)
    directory.sockets.mkdir(mode=0o700)
    account.take_ownership(directory.sockets)
