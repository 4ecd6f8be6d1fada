"""Making the cluster: under a temporary name, renamed when complete, so it is whole or absent."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO

from app.database.embedded.account import Account
from app.database.embedded.config import ROLE
from app.database.embedded.data_directory import Home
from app.database.embedded.errors import NotCreatedError
from app.database.embedded.processes import spawn

CREATE_SECONDS = 60.0
INITDB = (
    f"--username={ROLE}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # PostgreSQL's own: the same on every machine
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth=reject",  # the rules that count are written by settings.py
    "--no-instructions",
)


def create_cluster(home: Home, programs: Path, account: Account, claim: BinaryIO) -> None:
    """Make the cluster with its role and database; nothing happens when it is there already.

    Raises:
        NotCreatedError: initdb failed or was killed; what it said is in the log.
    """
    if home.cluster.exists():
        return
    if home.unfinished.exists():
        rmtree(home.unfinished)
    home.unfinished.mkdir(mode=0o700)
    account.own(home.unfinished)
    where = ["-D", str(home.unfinished)]
    sync = [] if home.durable else ["--no-sync"]
    run(home, [str(programs / "initdb"), *where, *INITDB, *sync], account, claim)
    single = [str(programs / "postgres"), "--single", *where, "-c", "exit_on_error=on", "template1"]
    run(home, single, account, claim, f"CREATE DATABASE {ROLE}\n".encode())
    home.unfinished.rename(home.cluster)
    sync_directory(home.path)


def run(
    home: Home, command: Sequence[str], account: Account, claim: BinaryIO, text: bytes = b""
) -> None:
    """Run *command* to its end with *text* as input."""
    process = spawn(command, account, claim, signal.SIGKILL, stdin=subprocess.PIPE)
    try:
        process.communicate(text, timeout=CREATE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.returncode:
        raise NotCreatedError(Path(command[0]).name, process.returncode, home.log)


def sync_directory(path: Path) -> None:
    """Make a rename inside *path* outlive a power cut."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
