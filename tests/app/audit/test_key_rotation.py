"""app/audit/key_rotation.py: a successor of the audit key, and what each key then verifies."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import WHOLE_LOG, CheckpointKey, open_checkpoint_key
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.errors import AuditKeyReplacedError, CheckpointKeyError, NoteError
from app.audit.follower import build_signer, catch_up, follow_log
from app.audit.key_rotation import NEW_FILE_NAME, audit_key_fingerprint, rotate_audit_key
from app.audit.log_sections import VerifyScope
from app.audit.verify import (
    VerificationResult,
    external_checkpoint,
    latest_note,
    read_audit_keys,
    verify,
)
from app.database.key_fingerprints import read_fingerprints, record_fingerprint
from app.installation import key_file_fingerprint
from app.progress import no_progress
from app.tokens.private_key_file import load_key
from tests.app.audit.conftest import Writer

Rotate = Callable[..., Awaitable[CheckpointKey]]
SOON = 60.0  # seconds


@pytest.fixture
async def owner(dsn: str, key: CheckpointKey) -> AsyncGenerator[AsyncConnection]:
    """A connection of the owner to a database that knows the key."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        await record_fingerprint(connection, audit_key_fingerprint(key))
        yield connection


@pytest.fixture
def rotate(owner: AsyncConnection, tmp_path: Path) -> Rotate:
    """Rotate the key of this test; return the new one."""

    async def run(**options: bool) -> CheckpointKey:
        verifier, _ = await rotate_audit_key(owner, tmp_path, **options)
        key = open_checkpoint_key(tmp_path)
        assert key.signer(WHOLE_LOG).verifier == verifier
        assert key_file_fingerprint("audit key", tmp_path) in await read_fingerprints(owner)
        return key

    return run


async def sign_more(writer: Writer, follower: AsyncConnection, key: CheckpointKey) -> None:
    await writer.append("demo", "int_1", writer.on)
    await catch_up(follower, await build_signer(follower, key))


async def verified(dsn: str, trusted: CheckpointKey, **scope: Any) -> VerificationResult:
    keys = await read_audit_keys(dsn, trusted.public_key)
    return await verify(dsn, keys, VerifyScope(**scope), no_progress)


async def test_old_and_new_checkpoints_verify_by_each_key(
    signed: Writer, follower: AsyncConnection, dsn: str, key: CheckpointKey, rotate: Rotate
) -> None:
    kept = (await latest_note(dsn, WHOLE_LOG)).encode()
    second = await rotate()
    await sign_more(signed, follower, second)
    third = await rotate()
    fourth = await rotate()  # nothing was signed by the third
    await sign_more(signed, follower, fourth)
    newest = (await latest_note(dsn, "demo")).encode()

    assert len({each.public_key for each in (key, second, third, fourth)}) == 4
    for trusted in (key, second, third, fourth):
        keys = await read_audit_keys(dsn, trusted.public_key)
        for note in (kept, newest):
            external = external_checkpoint(note, keys)
            result = await verified(dsn, trusted, external=external)
            assert (result.first, result.events, result.lost_after) == (None, 14, ())
    assert AuditKeys(fourth.public_key).verify("demo", newest).position == 14


async def test_a_replaced_key_signs_nothing_more(
    signed: Writer, follower: AsyncConnection, key: CheckpointKey, rotate: Rotate
) -> None:
    second = await rotate()
    await signed.append("demo", "int_1", signed.on)
    with pytest.raises(psycopg.errors.SerializationFailure):
        await catch_up(follower, CheckpointSigner(key))
    with pytest.raises(AuditKeyReplacedError):
        await build_signer(follower, key)
    await catch_up(follower, await build_signer(follower, second))


async def test_a_running_follower_takes_the_new_key(
    signed: Writer, dsn: str, tmp_path: Path, rotate: Rotate
) -> None:
    stopping = asyncio.Event()
    open_key = partial(open_checkpoint_key, tmp_path)
    task = asyncio.create_task(follow_log(dsn, open_key, stopping))
    await asyncio.sleep(0.3)
    second = await rotate()
    await signed.append("demo", "int_1", signed.on)
    async with asyncio.timeout(SOON):
        while (await verified(dsn, second)).unsigned:  # noqa: ASYNC110 — nothing tells
            await asyncio.sleep(0.2)
    stopping.set()
    await task
    newest = (await latest_note(dsn, "demo")).encode()
    assert AuditKeys(second.public_key).verify("demo", newest).position == 13


@pytest.mark.usefixtures("signed")
async def test_a_key_that_is_not_here_is_not_rotated_unless_it_is_said_to_be_lost(
    tmp_path: Path, rotate: Rotate
) -> None:
    with pytest.raises(CheckpointKeyError, match="not lost: leave out --lost"):
        await rotate(is_lost=True)
    (tmp_path / "audit-key.pem").unlink()
    with pytest.raises(CheckpointKeyError, match=r"is missing, .*audit-key rotate --lost"):
        await rotate()
    open_checkpoint_key(tmp_path, create=True)
    with pytest.raises(CheckpointKeyError, match="is another key than the one that signs"):
        await rotate()


async def test_a_lost_key_makes_a_new_beginning_that_is_named(  # noqa: PLR0913, PLR0917 — fixtures
    signed: Writer, follower: AsyncConnection, dsn: str, tmp_path: Path, key: CheckpointKey,
    rotate: Rotate,
) -> None:  # fmt: skip
    kept = (await latest_note(dsn, WHOLE_LOG)).encode()
    (tmp_path / "audit-key.pem").unlink()
    second = await rotate(is_lost=True)
    await sign_more(signed, follower, second)

    external = external_checkpoint(kept, await read_audit_keys(dsn, second.public_key))
    result = await verified(dsn, second, external=external)
    assert (result.first, result.lost_after) == (None, (12,))
    first = (await verified(dsn, key)).first
    assert first is not None
    assert first.position == 13
    assert "The audit key was lost after position 12" in first.what


async def test_where_nothing_was_signed_a_key_is_replaced_without_a_change(
    writer: Writer, follower: AsyncConnection, dsn: str, tmp_path: Path, rotate: Rotate
) -> None:
    await rotate()
    (tmp_path / "audit-key.pem").unlink()
    third = await rotate(is_lost=True)
    await writer.append("demo", "int_1", writer.on)
    await catch_up(follower, await build_signer(follower, third))
    result = await verified(dsn, third)
    assert (result.lost_after, result.unsigned) == ((), 0)


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


async def test_what_was_interrupted_is_finished_by_the_next_call(  # noqa: PLR0913, PLR0917 — fixtures
    signed: Writer, follower: AsyncConnection, dsn: str, tmp_path: Path, key: CheckpointKey,
    rotate: Rotate, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # What a command left that was killed before it changed the database: another key.
    load_key(tmp_path / NEW_FILE_NAME, "key", create=True)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            await rotate()
    assert open_checkpoint_key(tmp_path).public_key == key.public_key
    second = await rotate()
    await sign_more(signed, follower, second)
    assert (await verified(dsn, key)).first is None
    assert len((await read_audit_keys(dsn, key.public_key)).changes) == 1


async def test_changes_of_the_key_cannot_be_edited_unnoticed(  # noqa: PLR0913, PLR0917 — fixtures
    signed: Writer, follower: AsyncConnection, dsn: str, key: CheckpointKey, rotate: Rotate,
    admin: Connection[TupleRow],
) -> None:  # fmt: skip
    await sign_more(signed, follower, await rotate())
    for statement in ("DELETE FROM", "TRUNCATE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute(f"{statement} integrations.audit_key_changes".encode())
    admin.execute("SET session_replication_role = replica")  # no trigger stops it
    admin.execute("UPDATE integrations.audit_key_changes SET note = replace(note, '12', '13')")
    with pytest.raises(NoteError):
        await verified(dsn, key)
    admin.execute("DELETE FROM integrations.audit_key_changes")
    first = (await verified(dsn, key)).first
    assert first is not None
    assert first.position == 13
