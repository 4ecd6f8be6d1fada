"""The keyring as a file: made once, by one, and read only where nobody else can read it."""

import os
import stat
import subprocess
import sys
from base64 import b64decode
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.secrets.errors import DecryptionError, KeyringError, UnknownKekError
from app.secrets.keyring import Keyring, WrappedKey
from app.secrets.keyring_file import (
    FileKeyring,
    decode_keyring,
    encode_keyring,
    new_kek,
    open_file_keyring,
)
from app.secrets.secret import Secret

ROOT = Path(__file__).parents[3]
KEY = Secret(bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def refusal_of(path: Path) -> str:
    with pytest.raises(KeyringError) as refusal:
        open_file_keyring(path)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def left_in(folder: Path) -> set[str]:
    return {found.name for found in folder.iterdir()}


# ----- The first start, and all later ones -----
def test_the_first_start_makes_a_file_with_one_kek(path: Path) -> None:
    keyring: Keyring = open_file_keyring(path)
    (kek,) = decode_keyring(Secret(path.read_bytes()), path)
    assert kek.id == keyring.current
    assert kek.id.startswith("kek-1-")
    assert keyring.ids() == {kek.id}


def test_only_its_owner_can_read_the_file(path: Path) -> None:
    before = os.umask(0)
    try:
        open_file_keyring(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == os.geteuid()


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    open_file_keyring(path)
    assert left_in(path.parent) == {path.name}


async def test_a_later_start_opens_what_an_earlier_one_wrapped(path: Path) -> None:
    wrapped = await open_file_keyring(path).wrap(KEY, b"place")
    assert await open_file_keyring(path).unwrap(wrapped, b"place") == KEY


def test_a_later_start_changes_neither_file_nor_folder(path: Path) -> None:
    open_file_keyring(path)
    before = path.read_bytes(), path.parent.stat().st_mtime_ns
    open_file_keyring(path)
    assert (path.read_bytes(), path.parent.stat().st_mtime_ns) == before


def test_bytes_then_name_are_on_disk_before_the_keyring_is_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("fsync folder" if is_folder else f"fsync {size} bytes")
        fsync(descriptor)

    def noted_link(source: str, target: Path) -> None:
        steps.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    open_file_keyring(path)
    assert steps == [f"fsync {path.stat().st_size} bytes", "link", "fsync folder"]


def test_two_machines_have_keks_of_different_names(tmp_path: Path) -> None:
    one, other = (
        open_file_keyring(tmp_path / "one.json"),
        open_file_keyring(tmp_path / "other.json"),
    )
    assert one.current != other.current


START_TOGETHER = """
import asyncio, sys
from base64 import b64encode
from pathlib import Path
from app.secrets.keyring_file import open_file_keyring
from app.secrets.secret import Secret

print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    keyring = open_file_keyring(Path(sys.argv[1]) / f"{number}.json")
    wrapped = asyncio.run(keyring.wrap(Secret(bytes(range(32))), b"place"))
    print(number, wrapped.kek, b64encode(wrapped.wrapped).decode())
"""


def started_together(processes: int, folder: Path, keyrings: int) -> list[list[str]]:
    """What each process says of each keyring: number, KEK id, and a known key wrapped."""
    command = [sys.executable, "-c", START_TOGETHER, str(folder), str(keyrings)]
    with ExitStack() as stack:
        started: list[subprocess.Popen[str]] = []
        for _ in range(processes):
            process = subprocess.Popen(  # our own interpreter and text
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=60)[0] for process in started]
    return [line.split() for answer in answers for line in answer.splitlines()]


async def test_eight_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    lines = started_together(8, tmp_path, keyrings=25)
    assert len(lines) == 8 * 25
    for number, kek, wrapped in lines:
        keyring = open_file_keyring(tmp_path / f"{number}.json")
        wrapped_key = WrappedKey(kek=kek, wrapped=b64decode(wrapped))
        assert await keyring.unwrap(wrapped_key, b"place") == KEY
    assert left_in(tmp_path) == {f"{number}.json" for number in range(25)}


# ----- Wrapping -----
async def test_a_retired_kek_unwraps_and_the_current_one_wraps() -> None:
    old, new = new_kek(epoch=1), new_kek(epoch=2)
    wrapped = await FileKeyring([old]).wrap(KEY, b"place")
    retired = decode_keyring(
        Secret(encode_keyring(old, new).reveal().replace(b"current", b"retired", 1)), Path()
    )
    keyring = FileKeyring(retired)
    assert keyring.current == new.id
    assert keyring.ids() == {old.id, new.id}
    assert await keyring.unwrap(wrapped, b"place") == KEY
    assert (await keyring.wrap(KEY, b"place")).kek == new.id


async def test_a_key_wrapped_for_one_place_does_not_unwrap_for_another(
    keyring: FileKeyring,
) -> None:
    wrapped = await keyring.wrap(KEY, b"place")
    with pytest.raises(DecryptionError):
        await keyring.unwrap(wrapped, b"other place")


async def test_a_kek_that_is_not_there_is_never_guessed(keyring: FileKeyring) -> None:
    wrapped = await keyring.wrap(KEY, b"place")
    with pytest.raises(UnknownKekError, match="The key kek-9-00c0ffee is not in the keyring"):
        await keyring.unwrap(WrappedKey(kek="kek-9-00c0ffee", wrapped=wrapped.wrapped), b"place")


def test_a_keyring_prints_the_name_of_its_key_only(keyring: FileKeyring) -> None:
    assert repr(keyring) == f"FileKeyring(current={keyring.current!r}, keks=1)"
    assert not hasattr(keyring, "__dict__")


# ----- Refusals -----
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666])
def test_a_file_open_to_others_is_refused(path: Path, mode: int) -> None:
    open_file_keyring(path)
    path.chmod(mode)
    assert refusal_of(path) == (
        f"The keyring {path} is open to others (mode {mode:04o}): run chmod 600 {path}."
    )


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_closed_to_others_is_taken(path: Path, mode: int) -> None:
    made = open_file_keyring(path)
    path.chmod(mode)
    assert open_file_keyring(path).current == made.current


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    open_file_keyring(path)
    os.chown(path, 12345, -1)
    assert refusal_of(path) == (
        f"The keyring {path} belongs to user 12345, and this is user 0: "
        "start as its owner, or change the owner."
    )


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 1, "keks": []}'])
def test_a_file_that_holds_no_keyring_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    write(path, content)
    assert str(path) in refusal_of(path)
    assert path.read_bytes() == content


def test_a_file_without_end_is_not_read_to_its_end(path: Path) -> None:
    write(path, b"")
    os.truncate(path, 1 << 40)
    assert "is empty, broken or not of version 1" in refusal_of(path)


def test_a_pipe_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path, 0o600)
    assert "is not a regular file" in refusal_of(path)


def test_a_folder_is_refused(path: Path) -> None:
    path.mkdir(mode=0o700)
    assert "cannot be opened (Is a directory)" in refusal_of(path)


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "keyring.json"
    assert refusal_of(path) == (
        f"The keyring {path} cannot be opened (No such file or directory): "
        "put the right one back, or point INTEGRATIONS_KEYRING at it."
    )
    assert not path.parent.exists()


def test_a_link_to_nowhere_is_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "absent.json")
    assert "cannot be opened (No such file or directory)" in refusal_of(path)
    assert left_in(tmp_path) == {path.name}


def test_a_link_to_a_private_file_is_followed(path: Path, tmp_path: Path) -> None:
    made = open_file_keyring(tmp_path / "mounted.json")
    path.symlink_to(tmp_path / "mounted.json")
    assert open_file_keyring(path).current == made.current
