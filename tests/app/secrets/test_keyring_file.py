"""The keyring as a file: made once, by one, and read only where nobody else can read it."""

import json
import os
import re
import stat
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

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


# ----- The format of the file -----
PATH = Path("/somewhere/keyring.json")
FIRST_KEY, SECOND_KEY = bytes(range(32)), bytes(range(32, 64))
FILE = """{
  "version": 1,
  "keks": [
    {
      "id": "kek-1-00c0ffee",
      "state": "retired",
      "createdAt": "2026-11-01T09:00:00Z",
      "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    },
    {
      "id": "kek-2-0ddba11a",
      "state": "current",
      "createdAt": "2026-12-01T09:00:00Z",
      "key": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
    }
  ]
}
"""
KEY_TEXTS = [json.loads(FILE)["keks"][place]["key"] for place in (0, 1)]


def test_a_file_of_version_1_is_read_for_ever() -> None:
    first, second = decode_keyring(Secret(FILE.encode()), PATH)
    assert (first.id, first.state, first.key) == ("kek-1-00c0ffee", "retired", Secret(FIRST_KEY))
    assert (second.id, second.state) == ("kek-2-0ddba11a", "current")
    assert second.key == Secret(SECOND_KEY)
    assert second.created_at == datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_what_was_read_is_written_as_it_was() -> None:
    assert encode_keyring(*decode_keyring(Secret(FILE.encode()), PATH)).reveal().decode() == FILE


def test_a_new_kek_is_current_fresh_and_has_32_bytes() -> None:
    one, other = new_kek(epoch=3), new_kek(epoch=3)
    assert one.state == "current"
    assert len(one.key.reveal()) == 32
    assert one.key != other.key
    assert one.id != other.id
    assert re.fullmatch("kek-3-[0-9a-f]{8}", one.id)
    assert datetime.now(UTC) - one.created_at < timedelta(minutes=1)


def test_the_id_of_a_kek_is_no_part_of_its_key() -> None:
    for kek in (new_kek(epoch=1) for _ in range(50)):
        assert kek.id.rpartition("-")[2] not in kek.key.reveal().hex()


def test_a_kek_prints_without_its_key() -> None:
    kek = replace(new_kek(epoch=1), key=Secret(FIRST_KEY))
    assert "key=Secret(***)" in repr(kek)
    assert repr(FIRST_KEY) not in repr(kek)


def changed(**values: object) -> str:
    """The file with these values in its second KEK, or without those that are None."""
    file = json.loads(FILE)
    file["keks"][1] |= values
    file["keks"][1] = {name: it for name, it in file["keks"][1].items() if it is not None}
    return json.dumps(file)


BROKEN = "is empty, broken or not of version 1"
ONE_CURRENT = "does not hold exactly one current key"
WRONG_LENGTH = "holds a key that is not 32 bytes long"
REFUSED: dict[str, tuple[str, str]] = {
    "an endless epoch": (FILE.replace("kek-2-", f"kek-{'2' * 5000}-"), BROKEN),
    "nothing": ("", BROKEN),
    "white space": ("\n \n", BROKEN),
    "half a file": (FILE[:200], BROKEN),
    "no JSON": (KEY_TEXTS[0], BROKEN),
    "a list": ("[]", BROKEN),
    "two files": (FILE + FILE, BROKEN),
    "endless depth": (changed(key="x").replace('"x"', "[" * 100_000), BROKEN),
    "no version": (FILE.replace('"version": 1,', ""), BROKEN),
    "a later version": (FILE.replace('"version": 1', '"version": 2'), BROKEN),
    "an unknown field": (changed(note=KEY_TEXTS[0]), BROKEN),
    "no key": (changed(key=None), BROKEN),
    "a key that is a number": (changed(key=5), BROKEN),
    "a key that is no base64": (changed(key="!" + KEY_TEXTS[0]), BROKEN),
    "a key without its padding": (changed(key=KEY_TEXTS[0].rstrip("=")), BROKEN),
    "a key as the state": (changed(state=KEY_TEXTS[0]), BROKEN),
    "a key as the id": (changed(id=KEY_TEXTS[0]), BROKEN),
    "an id of epoch 0": (changed(id="kek-0-00c0ffee"), BROKEN),
    "an id with a line break": (changed(id="kek-2-00c0ffee\n"), BROKEN),
    "a time without a zone": (changed(createdAt="2026-12-01T09:00:00"), BROKEN),
    "an empty key": (changed(key=""), WRONG_LENGTH),
    "a key of 31 bytes": (changed(key=b64encode(bytes(31)).decode()), WRONG_LENGTH),
    "a key of 33 bytes": (changed(key=b64encode(bytes(33)).decode()), WRONG_LENGTH),
    "no KEKs": ('{"version": 1, "keks": []}', ONE_CURRENT),
    "no current KEK": (changed(state="retired"), ONE_CURRENT),
    "two current KEKs": (FILE.replace("retired", "current"), ONE_CURRENT),
    "one id twice": (changed(id="kek-1-00c0ffee"), "holds two keys with the same id"),
}


@pytest.mark.parametrize(("text", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_file_is_refused_in_one_line_without_its_keys(
    text: str, fault: str, told_in_full: Callable[[BaseException], str]
) -> None:
    content = Secret(text.encode())
    with pytest.raises(KeyringError) as refusal:
        decode_keyring(content, PATH)
    assert str(refusal.value) == (
        f"The keyring {PATH} {fault}: put the right one back, or point INTEGRATIONS_KEYRING at it."
    )
    del text  # or the report would find it here
    report = told_in_full(refusal.value)
    for key in KEY_TEXTS:
        assert key.rstrip("=") not in report


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(field=st.sampled_from(["id", "state", "createdAt", "key"]), value=json_values)
def test_whatever_stands_in_a_field_is_read_or_refused(field: str, value: object) -> None:
    with suppress(KeyringError):
        decode_keyring(Secret(changed(**{field: value}).encode()), PATH)


@settings(max_examples=100)
@given(content=st.binary())
def test_bytes_that_are_no_json_are_refused(content: bytes) -> None:
    with pytest.raises(KeyringError):
        decode_keyring(Secret(content), PATH)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(KeyringError, match=BROKEN):
        decode_keyring(Secret(FILE.encode().replace(b"kek-1", b"kek-\xff")), PATH)
