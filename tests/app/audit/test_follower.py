"""The follower takes every event once, signs what it has taken, and stops where anything is odd."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal
from structlog.testing import capture_logs

from app.audit import follower as module
from app.audit.checkpoint import WHOLE_LOG, CheckpointKey, verify_checkpoint
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.errors import AuditKeyReplacedError, NoteError, TreeStateError
from app.audit.follower import (
    build_signer,
    catch_up,
    follow_log,
    poll_delay,
    process_batch,
    require_position,
)
from app.audit.follower_connection import ROLE
from app.audit.merkle import leaf_hash
from app.audit.tree_store import stored_notes
from app.audit.verify import VerificationResult
from app.event_store.log_range import LogCorruptedError
from tests.app.audit.conftest import Writer, until_signed
from tests.support.waiting import lock_waits, until

Verify = Callable[..., Awaitable[VerificationResult]]
Follow = Callable[[], Awaitable[None]]
ENVELOPES = """
SELECT envelope FROM integrations.events WHERE workspace_id = %s OR %s = '*' ORDER BY position
"""
CHECKPOINTS = (
    "SELECT workspace_id, size, position FROM integrations.audit_checkpoints ORDER BY 3, 1"
)
POSITION = "SELECT position FROM integrations.audit_follower"
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database()
"""
FOLLOWERS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database()
"""
SOON = 60  # seconds, on a busy machine


@pytest.fixture
def edit(admin: Connection[TupleRow]) -> Callable[[str], None]:
    """Do something to the log as its superuser, whom no trigger stops."""
    admin.execute("SET session_replication_role = replica")

    def run(statement: str) -> None:
        assert admin.execute(statement.encode()).rowcount > 0

    return run


Edit = Callable[[str], None]


# ----- What it signs -----
@pytest.mark.parametrize("name", ["demo", "other", WHOLE_LOG])
@pytest.mark.usefixtures("signed")
async def test_a_checkpoint_is_the_tree_over_the_exact_bytes_as_the_rfc_defines_it(
    admin: Connection[TupleRow], follower: AsyncConnection, key: CheckpointKey, rfc: Any, name: str
) -> None:
    envelopes = [envelope for (envelope,) in admin.execute(ENVELOPES, (name, name))]
    [note] = (await stored_notes(follower, [name])).values()
    signed = verify_checkpoint(note.encode(), key.signer(name).verifier)
    assert signed.head == (len(envelopes), rfc.mth(envelopes))
    assert leaf_hash(envelopes[0]) == rfc.mth(envelopes[:1])


@pytest.mark.usefixtures("signed")
async def test_each_workspace_that_has_changed_is_signed_up_to_its_last_event(
    admin: Connection[TupleRow],
) -> None:
    assert admin.execute(CHECKPOINTS).fetchall() == [
        ("other", 2, 5),
        ("*", 8, 8),
        ("demo", 6, 8),
        ("other", 4, 11),
        ("*", 12, 12),
        ("demo", 8, 12),
    ]


async def test_what_it_has_signed_itself_it_does_not_verify_again(
    half_signed: Writer, admin: Connection[TupleRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("app.audit.audit_keys.verify_checkpoint")
    await half_signed.append("demo", "int_3", half_signed.off)
    await half_signed.follow()
    assert admin.execute(CHECKPOINTS).fetchall()[-2:] == [("*", 9, 9), ("demo", 7, 9)]


async def test_where_nothing_is_new_nothing_is_signed(
    signed: Writer, admin: Connection[TupleRow]
) -> None:
    before = admin.execute(CHECKPOINTS).fetchall()
    await signed.follow()
    assert admin.execute(CHECKPOINTS).fetchall() == before


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 12, 13])
async def test_however_many_events_a_batch_has_the_trees_are_the_same(
    half_signed: Writer, verifying: Verify, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(module, "BATCH", batch)
    for switched in (half_signed.off, half_signed.on) * 3:
        await half_signed.append("demo", "int_3", switched)
    await half_signed.follow()
    verified = await verifying()
    assert (verified.first, verified.unsigned) == (None, 0)


async def test_an_event_that_was_edited_is_not_signed_anew_and_verify_names_it(
    signed: Writer, verifying: Verify, edit: Edit
) -> None:
    edit("UPDATE integrations.events SET envelope = 'forged' WHERE position = 3")
    await signed.append("demo", "int_1", signed.on)
    await signed.follow()
    verified = await verifying()
    assert verified.unsigned == 0
    assert verified.first is not None
    assert verified.first.position == 3


# ----- Where it stops -----
async def test_it_stops_at_a_hole(half_signed: Writer, edit: Edit) -> None:
    for switched in (half_signed.off, half_signed.on, half_signed.off):
        await half_signed.append("demo", "int_3", switched)
    edit("DELETE FROM integrations.events WHERE position = 10")
    with pytest.raises(LogCorruptedError, match="position 10 is missing"):
        await half_signed.follow()


async def test_it_stops_where_the_log_has_become_shorter(signed: Writer, edit: Edit) -> None:
    edit("DELETE FROM integrations.events WHERE position > 10")
    with pytest.raises(LogCorruptedError, match="it ends at 10, and 12 was read before"):
        await signed.follow()


STRANGE = {
    "a tile was edited": (
        "UPDATE integrations.audit_tiles SET hashes = set_byte(hashes, 0, 0)",
        TreeStateError,
    ),
    "a tile is missing": (
        "DELETE FROM integrations.audit_tiles WHERE workspace_id = 'demo'",
        TreeStateError,
    ),
    "a checkpoint is missing": (
        "DELETE FROM integrations.audit_checkpoints WHERE position = 12",
        TreeStateError,
    ),
    "a workspace's checkpoint is missing": (
        "DELETE FROM integrations.audit_checkpoints WHERE workspace_id = 'demo' AND size = 8",
        TreeStateError,
    ),
    "a checkpoint was edited": (
        "UPDATE integrations.audit_checkpoints SET note = replace(note, '12', '11')",
        NoteError,
    ),
    "it was set back": (
        "UPDATE integrations.audit_follower SET position = 11",
        TreeStateError,
    ),
}


@pytest.mark.parametrize("starts_again", [False, True])
@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
async def test_it_signs_nothing_where_what_is_stored_is_not_what_was_signed(  # noqa: PLR0913 — parts
    signed: Writer,
    follow_again: Follow,
    admin: Connection[TupleRow],
    edit: Edit,
    strange: tuple[str, type[Exception]],
    *,
    starts_again: bool,
) -> None:
    statement, error = strange
    edit(statement)
    await signed.append("demo", "int_1", signed.on)
    before = admin.execute(CHECKPOINTS).fetchall(), admin.execute(POSITION).fetchone()
    with pytest.raises(error):
        await (follow_again if starts_again else signed.follow)()
    assert (admin.execute(CHECKPOINTS).fetchall(), admin.execute(POSITION).fetchone()) == before


async def test_it_signs_nothing_with_another_key_than_before(
    signed: Writer, follower: AsyncConnection, other_key: CheckpointKey
) -> None:
    await signed.append("demo", "int_1", signed.on)
    with pytest.raises(psycopg.errors.SerializationFailure):
        await catch_up(follower, CheckpointSigner(other_key))
    with pytest.raises(AuditKeyReplacedError):
        await build_signer(follower, other_key)


async def test_two_that_take_the_same_events_cannot_both_store_them(
    half_signed: Writer, dsn: str, follower: AsyncConnection, key: CheckpointKey, verifying: Verify
) -> None:
    await half_signed.append("demo", "int_3", half_signed.off)
    async with await AsyncConnection.connect(dsn) as other:
        await other.execute("UPDATE integrations.audit_follower SET position = position + 1")
        taking = asyncio.create_task(process_batch(follower, CheckpointSigner(key)))
        with psycopg.connect(dsn) as admin:
            await until(lambda: lock_waits(admin) == 1)  # it has read the position before
        await other.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            await taking
        await other.execute("UPDATE integrations.audit_follower SET position = position - 1")
        await other.commit()
    await half_signed.follow()
    assert (await verifying()).first is None


# ----- Beside the service -----
async def run(dsn: str, key: CheckpointKey, stopping: asyncio.Event) -> asyncio.Task[None]:
    """Start to follow, and wait until that has begun."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        before = followers(admin)
        task = asyncio.create_task(follow_log(dsn, lambda: key, stopping))
        await until(lambda: followers(admin) > before)
    return task


def followers(admin: Connection[TupleRow]) -> int:
    """Return how many sessions of followers there are."""
    [(amount,)] = admin.execute(FOLLOWERS, (ROLE,)).fetchall()
    return amount


async def test_told_to_stop_it_first_signs_all_that_is_there(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify
) -> None:
    stopping = asyncio.Event()
    task = await run(dsn, key, stopping)
    await writer.append("demo", "int_9", writer.off)
    stopping.set()
    await asyncio.wait_for(task, SOON)
    assert (await verifying()).unsigned == 0


async def test_told_to_stop_just_after_the_key_was_replaced_it_signs_all_the_same(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.05)
    stopping = asyncio.Event()

    async def refuse(*_: object) -> None:
        monkeypatch.setattr(module, "require_position", require_position)
        stopping.set()
        raise psycopg.errors.SerializationFailure

    task = await run(dsn, key, stopping)
    await writer.append("demo", "int_9", writer.off)
    await until_signed(verifying)
    await writer.append("demo", "int_9", writer.on)
    monkeypatch.setattr(module, "require_position", refuse)
    await asyncio.wait_for(task, SOON)

    assert (await verifying()).unsigned == 0


async def test_a_long_way_to_the_end_does_not_hold_up_a_stop(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    for switched in (writer.off, writer.on) * 20:
        await writer.append("demo", "int_9", switched)

    async def slowly(connection: AsyncConnection, signer: CheckpointSigner) -> int:
        await asyncio.sleep(0.1)
        return await process_batch(connection, signer)

    monkeypatch.setattr(module, "process_batch", slowly)
    monkeypatch.setattr(module, "BATCH", 1)
    monkeypatch.setattr(module, "SHUTDOWN_TIMEOUT", 0.0)
    stopping = asyncio.Event()
    task = asyncio.create_task(follow_log(dsn, lambda: key, stopping))
    while (await verifying()).unsigned == 40:  # noqa: ASYNC110 — it tells nobody how far it is
        await asyncio.sleep(0)
    stopping.set()
    await asyncio.wait_for(task, SOON)
    assert 0 < (await verifying()).unsigned < 40


@pytest.mark.parametrize(
    ("took", "rests"), [(0.01, 2.0), (0.2, 2.0), (0.5, 4.5), (2.0, 18.0), (60.0, 20.0)]
)
def test_however_many_trees_there_are_to_sign_it_takes_a_tenth_of_the_time_at_most(
    took: float, rests: float
) -> None:
    assert poll_delay(took) == pytest.approx(rests)


@pytest.mark.usefixtures("signed")
async def test_it_rests_the_longer_the_longer_a_look_has_taken(
    dsn: str, key: CheckpointKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    async def slowly(connection: AsyncConnection, position: int) -> None:
        looks.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)
        await require_position(connection, position)

    monkeypatch.setattr(module, "POLL_INTERVAL", 0.05)
    monkeypatch.setattr(module, "require_position", slowly)
    stopping = asyncio.Event()
    task = await run(dsn, key, stopping)
    await until(lambda: len(looks) == 3)
    assert min(looks[1] - looks[0], looks[2] - looks[1]) >= 0.1 + 9 * 0.1
    stopping.set()
    await asyncio.wait_for(task, SOON)


async def test_of_two_one_follows_and_the_other_takes_over_when_it_stops(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.05)
    stop_one, stop_other = asyncio.Event(), asyncio.Event()
    one, other = await run(dsn, key, stop_one), await run(dsn, key, stop_other)
    with capture_logs() as told:
        for switched in (writer.off, writer.on) * 5:
            await writer.append("demo", "int_9", switched)
        stop_one.set()
        await asyncio.wait_for(one, SOON)
        await writer.append("demo", "int_9", writer.off)
        await until_signed(verifying)
        followed = await verifying()
        stop_other.set()
        await asyncio.wait_for(other, SOON)
    assert told == []
    assert (followed.events, followed.unsigned) == (11, 0)


async def test_where_it_has_to_stop_it_says_so_loudly_and_the_service_goes_on(
    signed: Writer, dsn: str, key: CheckpointKey, edit: Edit, verifying: Verify
) -> None:
    await signed.append("demo", "int_1", signed.on)
    edit("DELETE FROM integrations.events WHERE position = 13")
    edit("UPDATE integrations.audit_follower SET position = 13")
    with capture_logs() as told:
        await asyncio.wait_for(follow_log(dsn, lambda: key, asyncio.Event()), SOON)
    [line] = told
    assert line["log_level"] == "critical"
    assert "AUDIT STOPPED" in line["event"]
    assert line["reason"] == "The log is damaged: it ends at 12, and 13 was read before."
    assert (await verifying()).first is not None


async def test_a_database_that_is_away_is_waited_for(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.05)
    stopping = asyncio.Event()
    task = await run(dsn, key, stopping)
    with capture_logs() as told:
        with psycopg.connect(dsn) as admin:
            admin.execute(TERMINATE, (ROLE,))
        await until(lambda: told != [])  # it only logs
        await asyncio.sleep(0.3)
    assert [line["event"] for line in told] == ["audit follower waits for the database"]
    await writer.append("demo", "int_9", writer.off)
    await until_signed(verifying)
    stopping.set()
    await asyncio.wait_for(task, SOON)


async def test_a_server_that_takes_no_writes_is_waited_for_too(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.05)
    stopping = asyncio.Event()
    with psycopg.connect(dsn, autocommit=True) as admin, capture_logs() as told:
        reads_only = SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        admin.execute(reads_only.format(Identifier(admin.info.dbname), Literal("on")))
        task = asyncio.create_task(follow_log(dsn, lambda: key, stopping))
        await until(lambda: told != [])  # it only logs
        admin.execute(reads_only.format(Identifier(admin.info.dbname), Literal("off")))
    assert {line["event"] for line in told} == {"audit follower waits for the database"}
    await writer.append("demo", "int_9", writer.off)
    await until_signed(verifying)
    stopping.set()
    await asyncio.wait_for(task, SOON)
