"""The keeper: a small process that owns the server while any process holds a lease.

    client ──flock(shared)──► leases.lock ◄──flock(exclusive)? "nobody left"── keeper ──► postmaster

It writes one line to its standard output for the waiting client: READY, TAKEN (another keeper was
faster) or what went wrong.
"""

import os
import resource
import signal
import sys
import time
from contextlib import suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from shutil import copyfile
from typing import BinaryIO

from app.database.embedded.account import Account, server_account
from app.database.embedded.cluster import find_programs, require_version
from app.database.embedded.data_directory import ServerDirectory
from app.database.embedded.errors import DataDirectoryError, EmbeddedServerError
from app.database.embedded.postmaster import Postmaster, start_postmaster
from app.database.embedded.processes import lock_within, open_lock, try_lock

READY = "ready"
TAKEN = "taken"
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
WATCH_INTERVAL = 0.2  # seconds
PROBE_TIMEOUT = 0.1  # seconds; longer than any process holds the lock to test it
RESTART_DELAY = 0.5  # seconds
MAX_LOG_BYTES = 5_000_000


def main() -> None:
    """Detach from the parent, then run the server of the directory named on the command line."""
    if os.fork():
        os._exit(0)  # init adopts the keeper: no client must wait for its end
    os.umask(0o077)
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold data
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {signal.SIGCHLD})
    directory = ServerDirectory(Path(sys.argv[1]), durable=sys.argv[2] == "durable")
    with open_lock(directory.keeper) as alone:
        if lock_within(PROBE_TIMEOUT, alone, LOCK_EX):
            run_keeper(directory, Path(*sys.argv[3:]) if sys.argv[3:] else None)
        else:
            report_once(TAKEN)


def run_keeper(directory: ServerDirectory, given: Path | None) -> None:
    """Run the server of *directory*; an error becomes one line for the client and the log."""
    try:
        run_until_unused(directory, given)
    except EmbeddedServerError as error:
        report_once(str(error))
    except OSError as error:
        report_once(str(DataDirectoryError.refused(error, directory.path)))


def report_once(line: str) -> None:
    """Report *line* to the waiting client, once; later lines go to the log."""
    with suppress(BrokenPipeError):  # the client is gone; another may come
        os.write(1, f"{line}\n".encode())
    os.dup2(2, 1)


def run_until_unused(directory: ServerDirectory, given: Path | None) -> None:
    """Run the server until the last lease is released; restart it if it dies before that."""
    account = server_account()
    require_reachable(directory, account)
    programs = find_programs(account, directory, given)
    require_version(programs, account, directory)
    with open_lock(
        directory.leases
    ) as leases:  # held from the last check until the end of this process
        while run_once(start_postmaster(directory, programs, account), leases):
            time.sleep(RESTART_DELAY)


def run_once(postmaster: Postmaster, leases: BinaryIO) -> bool:
    """Be ready until nobody needs the server or it dies; return whether it is still needed."""
    with open_lock(postmaster.directory.ready) as ready:
        flock(ready, LOCK_EX)
        report_once(READY)
        needed = watch(postmaster, leases)
    if not needed:
        postmaster.stop()
    return needed


def require_reachable(directory: ServerDirectory, account: Account) -> None:
    """Raise DataDirectoryError if *account* cannot enter *directory*; no mode is changed."""
    closed = account.first_inaccessible([*reversed(directory.path.parents), directory.path])
    if closed:
        raise DataDirectoryError.closed(closed, account.name)


def watch(postmaster: Postmaster, leases: BinaryIO) -> bool:
    """Return False when nobody needs the server or a stop signal arrives, True when it dies."""
    while not try_lock(leases, LOCK_EX):
        rotate_log(postmaster.directory)
        request = signal.sigtimedwait(STOP_SIGNALS | {signal.SIGCHLD}, WATCH_INTERVAL)
        if request and request.si_signo in STOP_SIGNALS:
            return False
        if postmaster.process.poll() is not None:
            return True
    return False


def rotate_log(directory: ServerDirectory) -> None:
    """Rotate the log, with one predecessor; the server writes into the same open file."""
    if os.fstat(2).st_size > MAX_LOG_BYTES:
        with suppress(OSError):  # a full disk: the log stays within its size all the same
            copyfile(directory.log, directory.log.with_suffix(".log.1"))
        os.ftruncate(2, 0)
