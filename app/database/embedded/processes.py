"""Processes that touch the cluster: they end with the keeper, and all of them can be found.

All of them inherit one lock (`ServerDirectory.processes`). It is free exactly when none of them
lives, so no pid file is needed. Linux only: parent-death signals, /proc, pidfd.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX
from functools import partial
from pathlib import Path
from typing import BinaryIO

from app.database.embedded.account import Account
from app.database.embedded.data_directory import ServerDirectory
from app.database.embedded.errors import LeftoverError

POLL_INTERVAL = 0.02  # seconds


def open_lock(path: Path) -> BinaryIO:
    """Open the lock file *path*, readable by its owner only, as every reader can lock it."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def try_lock(file: BinaryIO, kind: int) -> bool:
    """Take the lock of *kind* (LOCK_SH, LOCK_EX) if it is free now; return whether it is ours."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(seconds: float, file: BinaryIO, kind: int) -> bool:
    """Take the lock of *kind*, waiting up to *seconds*; return whether it is ours."""
    deadline = time.monotonic() + seconds
    while not try_lock(file, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_INTERVAL)
    return True


def is_held(path: Path) -> bool:
    """Return whether somebody holds *path* exclusively."""
    with open_lock(path) as probe:
        return not try_lock(probe, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Return whether somebody holds *path* shared."""
    with open_lock(path) as probe:
        return not try_lock(probe, fcntl.LOCK_EX) and try_lock(probe, fcntl.LOCK_SH)


LEFTOVER_TIMEOUT = 3.0  # seconds
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
# PostgreSQL gets nothing of the caller's environment: PG*, LC_* and TZ would change it.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@contextmanager
def exclusive_claim(directory: ServerDirectory) -> Generator[BinaryIO]:
    """Hold the lock that new processes inherit, after the last process of an earlier run has ended.

    Leftovers of a killed keeper or postmaster soon stop by themselves; one that is too busy to
    notice is killed, which a database must survive anyway.

    Raises:
        LeftoverError: a leftover cannot be ended.
    """
    with open_lock(directory.processes) as claim:
        if not lock_within(LEFTOVER_TIMEOUT, claim, LOCK_EX):
            kill_lock_holders(directory.processes)
            if not lock_within(LEFTOVER_TIMEOUT, claim, LOCK_EX):
                raise LeftoverError(directory.cluster)
        yield claim


def spawn(
    command: Sequence[str],
    account: Account,
    claim: BinaryIO,
    last_signal: signal.Signals,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start *command* as *account*; it holds *claim*, and gets *last_signal* if its parent dies."""
    return subprocess.Popen(  # noqa: S603 # known programs, no shell
        command,
        stdin=stdin,
        stdout=2,  # the log; stdout itself goes to the waiting client
        env=ENVIRONMENT,
        pass_fds=[claim.fileno()],
        preexec_fn=partial(die_with_parent, os.getpid(), last_signal),  # noqa: PLW1509 # there are no threads
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
    )


def die_with_parent(parent: int, last_signal: signal.Signals) -> None:
    """Get *last_signal* when *parent* dies; for a child between setuid and exec."""
    LIBC.prctl(PR_SET_PDEATHSIG, last_signal)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def kill_lock_holders(lock: Path) -> None:
    """Kill every other process that holds *lock*."""
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]:
        with suppress(OSError):  # it has ended meanwhile, or belongs to another user
            process = os.pidfd_open(pid)  # the process that is checked is the one that is killed
            try:
                if pid != os.getpid() and holds_lock(pid, lock.stat()):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            finally:
                os.close(process)


def holds_lock(pid: int, lock: os.stat_result) -> bool:
    """Return whether a file open in *pid* holds the `flock` on *lock*; reading it is not enough."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            details = Path(f"/proc/{pid}/fdinfo/{file.name}")
            if os.path.samestat(file.stat(), lock) and "FLOCK" in details.read_text():
                return True
    return False
