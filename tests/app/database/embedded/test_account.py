import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.database.embedded.account import SYSTEM_ACCOUNT, Account, server_account

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from collections.abc import Callable

    from tests.app.database.embedded.conftest import Person, Stage

AS_ROOT = pytest.mark.parametrize("runner", ["as root"], indirect=True)
CONNECT = """
import psycopg, sys
try:
    psycopg.connect(sys.argv[1].split(" requirepeer")[0])
    print("CONNECTED")
except psycopg.Error as error:
    print(error)
"""


def test_a_stranger_does_not_reach_the_socket(standing: "Stage", stranger: "Person") -> None:
    client = standing.clients[0]
    assert "CONNECTED" in standing.person.run(CONNECT, client.dsn), "the drill itself works"
    assert "ermission denied" in stranger.run(CONNECT, client.dsn)


def test_a_stranger_who_reaches_the_socket_is_refused_by_name(
    standing: "Stage",
    stranger: "Person",
) -> None:
    client = standing.clients[0]
    standing.directory().sockets.chmod(0o755)
    (standing.directory().sockets / ".s.PGSQL.5432").chmod(0o777)
    said = stranger.run(CONNECT, client.dsn)
    standing.directory().sockets.chmod(0o700)
    assert "Peer authentication failed" in said


@AS_ROOT
def test_as_root_the_servers_own_account_is_refused_too(
    standing: "Stage",
    become: "Callable[[str], Person]",
) -> None:
    client = standing.clients[0]
    said = become(SYSTEM_ACCOUNT).run(CONNECT, client.dsn)
    assert "Peer authentication failed" in said


def test_as_root_the_account_is_a_system_account_without_login() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    account = server_account()
    entry = pwd.getpwnam(account.name)
    assert (entry.pw_uid, entry.pw_gid) == (account.uid, account.gid)
    assert 0 < entry.pw_uid < 1000
    assert entry.pw_shell.endswith("nologin")


def test_a_closed_directory_is_found_on_the_way(new_ground: Path) -> None:
    path = new_ground / "closed" / "below"
    path.mkdir(parents=True)
    path.parent.chmod(0)
    account = server_account() if os.geteuid() == 0 else Account("ourselves")
    assert account.first_inaccessible([new_ground, path.parent, path]) == path.parent
    assert account.first_inaccessible([Path("/"), Path("/bin/sh")]) is None
    path.parent.chmod(0o700)
