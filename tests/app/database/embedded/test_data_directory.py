import os
import stat
from pathlib import Path

import pytest

from app.database.embedded.data_directory import ServerDirectory, create_server_directory
from app.database.embedded.errors import DataDirectoryError

SOCKET = "socket/.s.PGSQL.5432"


@pytest.mark.parametrize(("bytes_in_path", "inside"), [(107, True), (108, False)])
def test_the_socket_is_in_the_directory_if_its_path_fits(
    bytes_in_path: int, *, inside: bool
) -> None:
    directory = ServerDirectory(
        Path("/" + "d" * (bytes_in_path - len("//" + SOCKET))), durable=True
    )
    assert len(str(directory.path / SOCKET)) == bytes_in_path
    assert (directory.sockets.parent == directory.path) is inside
    assert len(str(directory.sockets / ".s.PGSQL.5432")) <= 107


@pytest.mark.parametrize("name", ["a,b", "a b", "a'b", '"', "é", "@"])
def test_a_socket_lies_elsewhere_where_its_path_would_be_read_as_syntax(name: str) -> None:
    assert ServerDirectory(Path("/", name), durable=True).sockets.parent == Path("/tmp")  # noqa: S108 # there


def test_each_directory_has_its_own_socket_elsewhere() -> None:
    homes = [ServerDirectory(Path("/", name), durable=True) for name in ("a,b", "a,c")]
    assert homes[0].sockets != homes[1].sockets


def test_directories_that_we_make_are_closed_and_those_that_are_there_keep_their_mode(
    tmp_path: Path,
) -> None:
    mine = 0o711 if os.geteuid() == 0 else 0o700
    directory = create_server_directory(tmp_path / "new", durable=True)
    assert stat.S_IMODE(directory.path.stat().st_mode) == mine
    assert stat.S_IMODE(directory.path.parent.stat().st_mode) == mine

    (tmp_path / "old").mkdir()
    (tmp_path / "old").chmod(0o750)
    create_server_directory(tmp_path / "old", durable=True)
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o750


def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a directory away")
    directory = create_server_directory(tmp_path, durable=True)
    os.chown(directory.path, 1, 1)
    with pytest.raises(
        DataDirectoryError, match=r"belongs to user 1, not to 0: start as its owner"
    ):
        create_server_directory(tmp_path, durable=True)
