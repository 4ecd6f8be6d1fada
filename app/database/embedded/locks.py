"""Locks that the kernel drops when their holder dies, however it dies (`flock(2)`).

A lock belongs to the open file, not to a process id, so nothing here can be stale.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

POLL_SECONDS = 0.02


def open_lock(path: Path) -> BinaryIO:
    """Open the lock file *path*, readable by its owner only: whoever can read it can lock it."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def try_lock(file: BinaryIO, kind: int) -> bool:
    """Take the lock of *kind* (LOCK_SH, LOCK_EX) if it is free now; tell whether we have it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(seconds: float, file: BinaryIO, kind: int) -> bool:
    """Take the lock of *kind*, waiting up to *seconds*; tell whether we have it."""
    deadline = time.monotonic() + seconds
    while not try_lock(file, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_held(path: Path) -> bool:
    """Tell whether somebody holds *path* exclusively."""
    with open_lock(path) as probe:
        return not try_lock(probe, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Tell whether somebody holds *path* shared."""
    with open_lock(path) as probe:
        return not try_lock(probe, fcntl.LOCK_EX) and try_lock(probe, fcntl.LOCK_SH)
