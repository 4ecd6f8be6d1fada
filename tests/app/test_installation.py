"""The database knows its installation: who has other keys is refused, and no key is made for it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection

from app.database.key_fingerprints import forget_fingerprint, read_fingerprints
from app.installation import InstallationError, find_foreign_keys, join_installation, replace_keks
from app.secrets.keyring_factory import open_keyring
from app.secrets.keyring_file import encode_keyring, read_keks
from app.secrets.reloading_keyring import add_kek
from app.secrets.rewrap import rewrap_connection
from app.settings import Settings, read_settings

BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.sealed"}
ROW_SQL = """
INSERT INTO integrations.secret_store VALUES
    ('demo', 'int_1', 'apiKey', 1, %s, '', '', '')
"""
KEY_FILES = ("audit-key.pem", "keyring.json", "lease-key.pem", "token-key.pem")


@pytest.fixture
async def connection(dsn: str) -> Any:
    async with await rewrap_connection(dsn) as connected:
        yield connected


Installed = tuple[AsyncConnection, Path, psycopg.Connection[Any]]


@pytest.fixture
def installed(connection: AsyncConnection, tmp_path: Path, dsn: str) -> Iterator[Installed]:
    """The database as the service and its superuser see it, and the folder of a host."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        yield connection, tmp_path, admin


def host(folder: Path, **more: str) -> Settings:
    """Return the settings of a host whose files are in *folder*."""
    return read_settings({"INTEGRATIONS_DATA_DIR": str(folder), **more})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


# ----- The first start, and the ones after it -----
async def test_the_first_start_makes_the_keys_and_the_second_finds_them(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    await join_installation(connection, host(tmp_path))
    made, known = files(tmp_path), await read_fingerprints(connection)
    assert tuple(made) == KEY_FILES
    assert [(key.kind, key.name) for key in known if key.kind != "KEK"] == [
        ("audit key", "audit-key.pem"), ("lease key", "lease-key.pem"),
        ("token key", "token-key.pem"),
    ]  # fmt: skip

    await join_installation(connection, host(tmp_path))

    assert (files(tmp_path), await read_fingerprints(connection)) == (made, known)


async def test_a_fingerprint_reveals_nothing_of_its_key(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    await join_installation(connection, host(tmp_path))
    keyring = (tmp_path / "keyring.json").read_text()
    pems = "".join((tmp_path / name).read_text() for name in ("audit-key.pem", "token-key.pem"))
    for key in await read_fingerprints(connection):
        assert key.fingerprint not in keyring + pems
        assert len(key.fingerprint) < 90


async def test_a_key_that_is_there_already_is_taken(
    connection: AsyncConnection, tmp_path: Path, dsn: str
) -> None:
    await join_installation(connection, host(tmp_path))
    before = files(tmp_path)
    with psycopg.connect(dsn) as admin:
        admin.execute("DELETE FROM integrations.installation_keys")
    await join_installation(connection, host(tmp_path))
    assert files(tmp_path) == before
    assert len(await read_fingerprints(connection)) == 4


async def test_a_rotated_keyring_is_recorded_at_the_next_start(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    await join_installation(connection, host(tmp_path))
    added = add_kek(tmp_path / "keyring.json")
    await join_installation(connection, host(tmp_path))
    assert added.id in {key.name for key in await read_fingerprints(connection)}


async def test_with_a_jwks_there_is_no_token_key(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    settings = host(tmp_path, INTEGRATIONS_JWKS="https://login.example/jwks")
    await join_installation(connection, settings)
    assert sorted(files(tmp_path)) == ["audit-key.pem", "keyring.json", "lease-key.pem"]
    await join_installation(connection, host(tmp_path))
    assert sorted(files(tmp_path)) == sorted(KEY_FILES)
    (tmp_path / "token-key.pem").unlink()
    await join_installation(connection, settings)


# ----- A host with other keys -----
def lose(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def other(name: str) -> Callable[[Path], None]:
    """Put the file *name* of another installation in place."""

    def put(folder: Path) -> None:
        shutil.copy2(folder.parent / "other" / name, folder / name)

    return put


def other_key_of_the_same_id(folder: Path) -> None:
    ours, theirs = (path / "keyring.json" for path in (folder, folder.parent / "other"))
    mine, foreign = ours.read_text(), theirs.read_text()
    ours.write_text(mine.replace(key_line(mine), key_line(foreign)))


def key_line(text: str) -> str:
    (line,) = [line for line in text.splitlines() if '"key"' in line]
    return line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lose("audit-key.pem"), "audit-key.pem is missing"),
        (lose("token-key.pem"), "token-key.pem is missing"),
        (lose("lease-key.pem"), "lease-key.pem is missing"),
        (other("lease-key.pem"), "lease-key.pem is another key"),
        (lose("keyring.json"), "keyring.json is missing, with kek-1-"),
        (other("audit-key.pem"), "audit-key.pem is another key"),
        (other("token-key.pem"), "token-key.pem is another key"),
        (other("keyring.json"), "keyring.json lacks kek-1-"),
        (other_key_of_the_same_id, "keyring.json has other keys for kek-1-"),
    ],
)
async def test_a_host_without_a_key_is_told_which_and_no_file_is_made(
    connection: AsyncConnection, tmp_path: Path,
    change: Callable[[Path], None], said: str,
) -> None:  # fmt: skip
    ours = tmp_path / "ours"
    await join_installation(connection, host(ours))
    known = await read_fingerprints(connection)
    async with connection.transaction(force_rollback=True):
        await connection.execute("DELETE FROM integrations.installation_keys")
        await join_installation(connection, host(tmp_path / "other"))
    change(ours)
    before = files(ours)

    with pytest.raises(InstallationError) as refused:
        await join_installation(connection, host(ours))

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    for hint in (*KEY_FILES[::2], "integrations audit-key rotate", "keys remove --lost NAME"):
        assert hint in str(refused.value)
    assert (files(ours), await read_fingerprints(connection)) == (before, known)


async def test_a_second_host_is_refused_until_it_has_the_files_of_the_first(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    await join_installation(connection, host(first))
    with pytest.raises(InstallationError) as refused:
        await join_installation(connection, host(second))
    for name in KEY_FILES:
        assert f"{second / name} is missing" in str(refused.value)
    assert files(second) == {}
    for name in KEY_FILES:
        shutil.copy2(first / name, second / name)
    await join_installation(connection, host(second))
    assert files(second) == files(first)


@pytest.mark.parametrize(
    ("lost", "holding", "asked_for"),
    [
        ({1, 2}, 3, None),
        ({1}, 2, None),
        ({1, 2}, 2, 2),
        ({3}, 1, 3),  # another rotation was later: this is not the present keyring
        ({2, 3}, 1, 3),
    ],
)
async def test_a_host_needs_the_newest_kek_and_those_that_secrets_are_under(
    installed: Installed, lost: set[int], holding: int, asked_for: int | None
) -> None:
    connection, folder, admin = installed
    keyring = folder / "keyring.json"
    await join_installation(connection, host(folder))
    for _ in range(2):
        add_kek(keyring)
        await join_installation(connection, host(folder))
    keks = dict(enumerate(read_keks(keyring), 1))
    admin.execute(ROW_SQL, (keks[holding].id,))
    *left, last = [kek for number, kek in keks.items() if number not in lost]
    keyring.write_bytes(encode_keyring(*left, replace(last, state="current")).reveal())

    if asked_for is None:
        await join_installation(connection, host(folder))
        return
    with pytest.raises(InstallationError, match=rf"lacks {keks[asked_for].id}\."):
        await join_installation(connection, host(folder))


async def test_a_kek_that_was_given_up_is_not_asked_for(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    await join_installation(connection, host(tmp_path))
    (tmp_path / "keyring.json").unlink()
    (kek,) = [key.name for key in await read_fingerprints(connection) if key.kind == "KEK"]
    await connection.execute("INSERT INTO integrations.closed_keks (kek) VALUES (%s)", (kek,))
    await join_installation(connection, host(tmp_path))
    (made,) = [key.name for key in await read_fingerprints(connection) if key.kind == "KEK"]
    assert made != kek


async def test_a_token_key_that_was_given_up_is_made_again(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    await join_installation(connection, host(tmp_path))
    (tmp_path / "token-key.pem").unlink()
    assert await forget_fingerprint(connection, "token key", "token-key.pem")
    await join_installation(connection, host(tmp_path))
    assert await find_foreign_keys(connection, host(tmp_path)) == []


async def test_a_move_to_another_keyring_leaves_the_former_behind(
    connection: AsyncConnection, tmp_path: Path
) -> None:
    await join_installation(connection, host(tmp_path))
    former = open_keyring(str(tmp_path / "keyring.json"), None)
    moved = host(tmp_path, INTEGRATIONS_KEYRING=str(tmp_path / "moved.json"))
    new = open_keyring(moved.keyring, None, create=True)
    with pytest.raises(InstallationError):
        await join_installation(connection, moved)
    await replace_keks(connection, new, former)
    await join_installation(connection, moved)
    with pytest.raises(InstallationError, match="lacks"):
        await join_installation(connection, host(tmp_path))
