"""Changes of a keyring file: whole or not at all, one at a time."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.secrets.errors import KeyringError
from app.secrets.keyring_file import open_file_keyring, read_keks
from app.secrets.reloading_keyring import add_kek, remove_kek

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
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keyring.json"
    open_file_keyring(path)
    return path


def test_a_new_kek_follows_and_the_others_keep_their_keys(path: Path) -> None:
    (first,) = read_keks(path)
    second = add_kek(path)
    third = add_kek(path)
    keks = read_keks(path)
    assert [kek.id.split("-")[1] for kek in keks] == ["1", "2", "3"]
    assert [kek.state for kek in keks] == ["retired", "retired", "current"]
    assert [kek.key for kek in keks] == [first.key, second.key, third.key]


def test_an_epoch_is_never_counted_twice(path: Path) -> None:
    add_kek(path)
    (first, _) = read_keks(path)
    remove_kek(path, first.id)
    assert add_kek(path).id.startswith("kek-3-")


def test_a_dropped_key_is_nowhere_in_the_folder(path: Path) -> None:
    (first,) = read_keks(path)
    content = path.read_text()
    encoded = content.split('"key": "')[1].split('"')[0]
    add_kek(path)
    remove_kek(path, first.id)
    assert [file.name for file in path.parent.iterdir() if encoded in file.read_text()] == []


def test_only_the_owner_can_read_the_changed_file(path: Path) -> None:
    before = os.umask(0)
    try:
        add_kek(path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_bytes_then_name_are_on_disk_before_the_change_is_told_of(
    path: Path, monkeypatch: pytest.MonkeyPatch
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
    add_kek(path)
    assert steps == ["fsync file", "rename", "fsync folder"]


def test_killed_at_any_moment_it_leaves_a_whole_keyring(path: Path) -> None:
    for moment in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", CHANGE_ALL_DAY, str(path)],
            cwd=ROOT, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(40 + 17 * moment):
                read_keks(path)
            process.send_signal(signal.SIGKILL)
        keks = read_keks(path)
        assert [kek.state for kek in keks].count("current") == 1
        assert add_kek(path).id not in {kek.id for kek in keks}
    assert {file.name for file in path.parent.iterdir()} == {"keyring.json", ".keyring.json.lock"}


def test_two_changes_at_once_are_one_change_and_a_refusal(path: Path) -> None:
    with (path.parent / ".keyring.json.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(KeyringError, match="is being changed by another command"):
            add_kek(path)
    assert add_kek(path).state == "current"


def test_the_file_behind_a_link_is_changed_and_the_link_stays(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    added = add_kek(link)
    assert link.is_symlink()
    assert read_keks(path)[-1].id == added.id


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="cannot be changed"):
        add_kek(tmp_path / "absent" / "keyring.json")
