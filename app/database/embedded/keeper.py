"""The keeper: a small process that owns the server while any process holds a lease.

    client ──flock(shared)──► leases.lock ◄──flock(exclusive)? "nobody left"── keeper ──► postmaster

Its standard output gets one line for the client that waits: READY, TAKEN (another keeper was
quicker) or what went wrong.
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
from app.database.embedded.cluster import find_programs
from app.database.embedded.data_directory import ServerDirectory
from app.database.embedded.errors import DataDirectoryError, EmbeddedServerError
from app.database.embedded.postmaster import Postmaster, start_postmaster
from app.database.embedded.processes import lock_within, open_lock, try_lock

READY = "ready"
TAKEN = "taken"
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
WATCH_SECONDS = 0.2
PROBE_SECONDS = 0.1  # longer than anybody's look at our lock
RESTART_SECONDS = 0.5
LOG_BYTES = 5_000_000


def main() -> None:
    """Become a process of our own, then keep the home named on the command line."""
    if os.fork():
        os._exit(0)  # init adopts the keeper: no client has to wait for it
    os.umask(0o077)
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold data
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {signal.SIGCHLD})
    home = ServerDirectory(Path(sys.argv[1]), durable=sys.argv[2] == "durable")
    with open_lock(home.keeper) as alone:
        if lock_within(PROBE_SECONDS, alone, LOCK_EX):
            run_keeper(home)
        else:
            report_once(TAKEN)


def run_keeper(home: ServerDirectory) -> None:
    """Keep *home*; a failure becomes one line for the client and for the log."""
    try:
        run_until_unused(home)
    except EmbeddedServerError as error:
        report_once(str(error))
    except OSError as error:
        report_once(str(DataDirectoryError.refused(error, home.path)))


def report_once(line: str) -> None:
    """Tell the waiting client *line*, once; later lines go to the log."""
    with suppress(BrokenPipeError):  # the client is gone; another may come
        os.write(1, f"{line}\n".encode())
    os.dup2(2, 1)


def run_until_unused(home: ServerDirectory) -> None:
    """Run the server until the last lease is gone; start it again when it dies before that."""
    account = server_account()
    require_reachable(home, account)
    programs = find_programs(account, home)
    with open_lock(home.leases) as leases:  # held from the last look at it until we are gone
        while run_once(start_postmaster(home, programs, account), leases):
            time.sleep(RESTART_SECONDS)


def run_once(postmaster: Postmaster, leases: BinaryIO) -> bool:
    """Be ready until nobody needs the server or it has died; return whether it is still wanted."""
    with open_lock(postmaster.home.ready) as ready:
        flock(ready, LOCK_EX)
        report_once(READY)
        wanted = watch(postmaster, leases)
    if not wanted:
        postmaster.stop()
    return wanted


def require_reachable(home: ServerDirectory, account: Account) -> None:
    """Refuse a home that *account* cannot enter; other people's directories keep their modes."""
    closed = account.first_inaccessible([*reversed(home.path.parents), home.path])
    if closed:
        raise DataDirectoryError.closed(closed, account.name)


def watch(postmaster: Postmaster, leases: BinaryIO) -> bool:
    """Return False once nobody needs the server or we are to stop, True once it has died."""
    while not try_lock(leases, LOCK_EX):
        rotate_log(postmaster.home)
        request = signal.sigtimedwait(STOP_SIGNALS | {signal.SIGCHLD}, WATCH_SECONDS)
        if request and request.si_signo in STOP_SIGNALS:
            return False
        if postmaster.process.poll() is not None:
            return True
    return False


def rotate_log(home: ServerDirectory) -> None:
    """Keep the log and one predecessor; the server continues writing into the same open file."""
    if os.fstat(2).st_size > LOG_BYTES:
        copyfile(home.log, home.log.with_suffix(".log.1"))
        os.ftruncate(2, 0)
