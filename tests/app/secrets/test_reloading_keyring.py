"""The keyring as its file is now; a file that has become unusable takes nothing away."""
# ruff: noqa: ASYNC240 — nobody else waits for the event loop of a test

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.secrets.errors import KeyringError
from app.secrets.keyring import current_kek
from app.secrets.reloading_keyring import ReloadingKeyring, add_kek
from app.secrets.secret import Secret

KEY = Secret(bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def opened_to_others(path: Path) -> None:
    path.chmod(0o644)


@pytest.mark.parametrize("damage", [Path.unlink, emptied, opened_to_others])
async def test_a_file_that_becomes_unusable_is_told_of_once_and_the_keys_stay(
    path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    keyring = ReloadingKeyring(path)
    wrapped = await keyring.wrap(KEY, b"place")
    damage(path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await keyring.unwrap(wrapped, b"place") == KEY
    (told,) = caplog.messages
    assert str(path) in told
    assert told.endswith("The keys read before stay in use.")


async def test_a_file_that_was_mended_is_used_again(path: Path) -> None:
    keyring = ReloadingKeyring(path)
    await keyring.keks()
    path.chmod(0o644)
    await keyring.keks()
    path.chmod(0o600)
    added = add_kek(path)
    assert await current_kek(keyring) == added.id


async def test_a_file_put_in_place_from_elsewhere_is_noticed(path: Path, tmp_path: Path) -> None:
    keyring, other = ReloadingKeyring(path), ReloadingKeyring(tmp_path / "other.json")
    await keyring.keks()
    os.utime(tmp_path / "other.json", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    (tmp_path / "other.json").replace(path)
    assert await current_kek(keyring) == await current_kek(other)


def test_an_unusable_file_is_refused_at_the_start(path: Path) -> None:
    path.touch(mode=0o600)
    with pytest.raises(KeyringError, match="is empty, broken or not of version 1"):
        ReloadingKeyring(path)
