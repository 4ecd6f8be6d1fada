"""The keyring as its file is now; a file that has become unusable takes nothing away."""
# ruff: noqa: ASYNC240 — nobody else waits for the event loop of a test

import fcntl
import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.secrets.errors import KeyringError
from app.secrets.keyring import current_kek
from app.secrets.keyring_file import open_file_keyring, read_keks
from app.secrets.reloading_keyring import ReloadingKeyring, add_kek, remove_kek
from app.secrets.secret import Secret

KEY = Secret(bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def new_keyring(path: Path) -> ReloadingKeyring:
    open_file_keyring(path)
    return ReloadingKeyring(path)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def opened_to_others(path: Path) -> None:
    path.chmod(0o644)


@pytest.mark.parametrize("damage", [Path.unlink, emptied, opened_to_others])
async def test_a_file_that_becomes_unusable_is_logged_once_and_the_keys_stay(
    path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    keyring = new_keyring(path)
    wrapped = await keyring.wrap(KEY, b"place")
    damage(path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await keyring.unwrap(wrapped, b"place") == KEY
    (told,) = caplog.messages
    assert str(path) in told
    assert told.endswith("The keys read before stay in use.")


async def test_a_file_that_was_mended_is_used_again(path: Path) -> None:
    keyring = new_keyring(path)
    await keyring.keks()
    path.chmod(0o644)
    await keyring.keks()
    path.chmod(0o600)
    added = add_kek(path)
    assert await current_kek(keyring) == added.id


async def test_a_file_put_in_place_from_elsewhere_is_noticed(path: Path, tmp_path: Path) -> None:
    keyring, other = new_keyring(path), new_keyring(tmp_path / "other.json")
    await keyring.keks()
    os.utime(tmp_path / "other.json", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    (tmp_path / "other.json").replace(path)
    assert await current_kek(keyring) == await current_kek(other)


def test_an_unusable_file_is_refused_at_the_start(path: Path) -> None:
    path.touch(mode=0o600)
    with pytest.raises(KeyringError, match="is empty, broken or not of version 1"):
        ReloadingKeyring(path)


# ----- Changes of the file: whole or not at all, one at a time -----
ROOT = Path(__file__).parents[3]
CHANGE_ALL_DAY = """
import sys
from pathlib import Path
from app.secrets.reloading_keyring import add_kek, remove_kek
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    add_kek(path)
    old = add_kek(path)
    add_kek(path)
    remove_kek(path, old.id)
"""


@pytest.fixture
def keyring_file(tmp_path: Path) -> Path:
    path = tmp_path / "keyring.json"
    open_file_keyring(path)
    return path


def test_a_new_kek_follows_and_the_others_keep_their_keys(keyring_file: Path) -> None:
    (first,) = read_keks(keyring_file)
    second = add_kek(keyring_file)
    third = add_kek(keyring_file)
    keks = read_keks(keyring_file)
    assert [kek.id.split("-")[1] for kek in keks] == ["1", "2", "3"]
    assert [kek.state for kek in keks] == ["retired", "retired", "current"]
    assert [kek.key for kek in keks] == [first.key, second.key, third.key]


def test_an_epoch_is_never_counted_twice(keyring_file: Path) -> None:
    add_kek(keyring_file)
    (first, _) = read_keks(keyring_file)
    remove_kek(keyring_file, first.id)
    assert add_kek(keyring_file).id.startswith("kek-3-")


def test_a_dropped_key_is_nowhere_in_the_folder(keyring_file: Path) -> None:
    (first,) = read_keks(keyring_file)
    content = keyring_file.read_text()
    encoded = content.split('"key": "')[1].split('"')[0]
    add_kek(keyring_file)
    remove_kek(keyring_file, first.id)
    assert [
        file.name for file in keyring_file.parent.iterdir() if encoded in file.read_text()
    ] == []


def test_only_the_owner_can_read_the_changed_file(keyring_file: Path) -> None:
    before = os.umask(0)
    try:
        add_kek(keyring_file)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in keyring_file.parent.iterdir()} == {0o600}


def test_bytes_then_name_are_on_disk_before_the_change_returns(
    keyring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("fsync folder" if is_folder else "fsync file")
        fsync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    add_kek(keyring_file)
    assert steps == ["fsync file", "rename", "fsync folder"]


def test_a_kill_at_any_time_leaves_a_whole_keyring(keyring_file: Path) -> None:
    for moment in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", CHANGE_ALL_DAY, str(keyring_file)],
            cwd=ROOT, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(40 + 17 * moment):
                read_keks(keyring_file)
            process.send_signal(signal.SIGKILL)
        keks = read_keks(keyring_file)
        assert [kek.state for kek in keks].count("current") == 1
        assert add_kek(keyring_file).id not in {kek.id for kek in keks}
    assert {file.name for file in keyring_file.parent.iterdir()} == {
        "keyring.json",
        ".keyring.json.lock",
    }


def test_two_changes_at_once_are_one_change_and_a_refusal(keyring_file: Path) -> None:
    with (keyring_file.parent / ".keyring.json.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(KeyringError, match="is being changed by another command"):
            add_kek(keyring_file)
    assert add_kek(keyring_file).state == "current"


def test_the_file_behind_a_link_is_changed_and_the_link_stays(
    keyring_file: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(keyring_file)
    added = add_kek(link)
    assert link.is_symlink()
    assert read_keks(keyring_file)[-1].id == added.id


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="cannot be changed"):
        add_kek(tmp_path / "absent" / "keyring.json")
