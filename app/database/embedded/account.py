"""The account that the server runs as: our own, or, as root, one that nobody can log into."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from app.database.embedded.errors import NoAccountError

SYSTEM_ACCOUNT = "integrations-db"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USERADD_TIMEOUT = 30


@dataclass(frozen=True)
class Account:
    """The owner of the server's processes and files; a `uid` of None means the current user."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups: none after a switch, else unchanged."""
        return None if self.uid is None else []

    def take_ownership(self, path: Path) -> None:
        """Give *path*, which this process has just created, to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def first_inaccessible(self, paths: Iterable[Path]) -> Path | None:
        """Return the first of *paths* that the account may not enter (or execute)."""
        test = 'for path do [ -x "$path" ] || { printf %s "$path"; exit; }; done'
        result = subprocess.run(  # noqa: S603 # our own script; paths are arguments, not shell text
            ["/bin/sh", "-c", test, "sh", *map(str, paths)],
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
        )
        return Path(os.fsdecode(result.stdout)) if result.stdout else None


def current_user() -> str:
    """Return the name of the current user, which `peer` authentication sees.

    Raises:
        NoAccountError: the user has no entry in passwd, which PostgreSQL needs.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise NoAccountError.unnamed(os.geteuid()) from None


def server_account() -> Account:
    """Return the account for the server; as root it is created if it is missing.

    PostgreSQL refuses to run as root, and other programs share `nobody` and would then own the
    data; so root gets a separate system account.

    Raises:
        NoAccountError: there is none and it cannot be created, or somebody can log into it.
    """
    if os.geteuid() != 0:
        return Account(current_user())
    entry = find_account(SYSTEM_ACCOUNT) or create_account(SYSTEM_ACCOUNT)
    if entry.pw_uid == 0 or Path(entry.pw_shell).name not in {"nologin", "false"}:
        raise NoAccountError.with_login(SYSTEM_ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def find_account(name: str) -> pwd.struct_passwd | None:
    """Return the passwd entry of *name*."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def create_account(name: str) -> pwd.struct_passwd:
    """Create the system account *name*: own group, no home, no password, no login."""
    useradd = which("useradd", path=SYSTEM_PATH)
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    if useradd:
        subprocess.run(  # noqa: S603 # a system program found in system directories
            [useradd, *options, "--shell", "/usr/sbin/nologin", name],
            env={"PATH": SYSTEM_PATH},
            stdin=subprocess.DEVNULL,
            stdout=2,
            check=False,  # another keeper may have created it first: what counts is the entry
            timeout=USERADD_TIMEOUT,
        )
    entry = find_account(name)
    if entry is None:
        raise NoAccountError.not_made(name)
    return entry
