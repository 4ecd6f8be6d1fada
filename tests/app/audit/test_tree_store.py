"""Old checkpoints go but for the last of each day, and the log is proved as before."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from app.audit import tree_store as module
from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import CheckpointKey
from app.audit.follower import follow_log
from app.audit.tree_store import CheckpointRetention, delete_superseded
from app.audit.verify import VerificationResult, external_checkpoint
from tests.app.audit.conftest import Writer

Verify = Callable[..., Awaitable[VerificationResult]]
LEFT = "SELECT size FROM integrations.audit_checkpoints WHERE workspace_id = %s ORDER BY size"
DATE = """
UPDATE integrations.audit_checkpoints
SET at = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + %s::interval
WHERE position = %s
"""
UNTIL_MIDNIGHT = """
SELECT extract(epoch FROM date_trunc('day', today.now) + interval '1 day' - today.now)::float
FROM (SELECT now() AT TIME ZONE 'UTC') AS today (now)
"""
AGE = "UPDATE integrations.audit_checkpoints SET at = now() - %s::interval WHERE position = %s"
NOTE = "SELECT note FROM integrations.audit_checkpoints WHERE workspace_id = '*' AND size = %s"
NEAR_MIDNIGHT = 10  # seconds
SOON = 60  # seconds, on a busy machine
# From this day's midnight: one three days before, three two days before, one yesterday, one today.
AGES = ("-49 h", "-47 h", "-26 h", "-25 h", "-1 min", "0 s")


@pytest.fixture
async def aged(half_signed: Writer, admin: Connection[TupleRow]) -> Writer:
    """A log that was signed at 8 events, and once after each of five more, over several days."""
    for number in range(5):
        await half_signed.append("demo", "int_3", half_signed.off if number % 2 else half_signed.on)
        await half_signed.follow()
    [(seconds,)] = admin.execute(UNTIL_MIDNIGHT).fetchall()
    if seconds < NEAR_MIDNIGHT:  # the day of the ages must be the day of the test
        await asyncio.sleep(seconds)
    admin.execute("SET session_replication_role = replica")
    for position, age in enumerate(AGES, start=8):
        assert admin.execute(DATE, (age, position)).rowcount > 0
    admin.execute("SET session_replication_role = origin")
    return half_signed


def left(admin: Connection[TupleRow], name: str = "*") -> Sequence[int]:
    """Return the sizes of the tree *name* of which there is a checkpoint."""
    return [size for (size,) in admin.execute(LEFT, (name,))]


@pytest.mark.usefixtures("aged")
async def test_of_each_day_that_is_over_the_last_of_each_tree_stays(
    admin: Connection[TupleRow], follower: AsyncConnection
) -> None:
    assert left(admin) == [8, 9, 10, 11, 12, 13]

    await delete_superseded(follower)

    assert left(admin) == [8, 11, 12, 13]
    assert left(admin, "demo") == [6, 9, 10, 11]
    assert left(admin, "other") == [2], "the newest of a tree stays, however old"
    assert await delete_superseded(follower) == 0


@pytest.mark.usefixtures("aged")
async def test_those_of_the_last_24_hours_stay(
    admin: Connection[TupleRow], follower: AsyncConnection
) -> None:
    admin.execute("SET session_replication_role = replica")
    for number, position in enumerate(range(8, 14)):
        admin.execute(AGE, (f"23 h {59 - number} min", position))

    assert await delete_superseded(follower) == 0


async def test_the_log_is_proved_as_before_and_signed_on(
    aged: Writer,
    admin: Connection[TupleRow],
    follower: AsyncConnection,
    verifying: Verify,
    key: CheckpointKey,
) -> None:
    (note,) = admin.execute(NOTE, (9,)).fetchone() or ("",)

    await delete_superseded(follower)
    await aged.append("other", "int_1", aged.on)
    await aged.follow()

    assert (
        await verifying(external=external_checkpoint(note.encode(), AuditKeys(key.public_key)))
    ).first is None
    admin.execute("SET session_replication_role = replica")
    admin.execute("UPDATE integrations.events SET envelope = 'forged' WHERE position = 9")
    first = (await verifying()).first
    assert first
    assert first.position == 9


@pytest.mark.usefixtures("aged")
@pytest.mark.parametrize("position", [8, 11, 12, 13])
async def test_no_other_checkpoint_can_be_deleted_by_anybody(
    admin: Connection[TupleRow], follower: AsyncConnection, position: int
) -> None:
    delete = "DELETE FROM integrations.audit_checkpoints WHERE workspace_id = '*' AND position = %s"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="this checkpoint is kept"):
        await follower.execute(delete, (position,))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="this checkpoint is kept"):
        admin.execute(delete, (position,))


@pytest.mark.usefixtures("aged")
async def test_the_follower_lets_them_go(
    admin: Connection[TupleRow], dsn: str, key: CheckpointKey
) -> None:
    stopping = asyncio.Event()
    following = asyncio.create_task(follow_log(dsn, lambda: key, stopping))

    async with asyncio.timeout(SOON):
        while left(admin) != [8, 11, 12, 13]:  # noqa: ASYNC110 — the database tells nobody
            await asyncio.sleep(0.05)

    stopping.set()
    await following


@pytest.mark.usefixtures("aged")
async def test_it_goes_on_a_bounded_number_at_once_and_then_rests_for_an_hour(
    admin: Connection[TupleRow], follower: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(module, "RETENTION_BATCH_SIZE", 3)
    monkeypatch.setattr(module, "monotonic", lambda: now)
    thinning = CheckpointRetention()
    amounts: list[int] = []
    for _ in range(2):
        await thinning.run_if_due(follower)
        amounts.append(len(left(admin)) + len(left(admin, "demo")))
    assert amounts == [9, 8]
    admin.execute("SET session_replication_role = replica")
    admin.execute(DATE, ("-24 h -1 min", 12))
    await thinning.run_if_due(follower)
    assert left(admin) == [8, 11, 12, 13]
    now += 3601
    await thinning.run_if_due(follower)
    assert left(admin) == [8, 12, 13]
