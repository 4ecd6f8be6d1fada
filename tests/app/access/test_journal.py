"""The access journal: dense, once a minute, before the answer, and for as long as it is kept."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.access.access import Access, decode_access
from app.access.journal import AccessJournal, delete_batch
from app.database.availability import UnavailableError
from app.database.pools import Pool, open_pool
from domain.envelope import Actor

AT = datetime(2026, 11, 29, 9, 0, 30, tzinfo=UTC)
ROWS = "SELECT position, envelope FROM integrations.accesses ORDER BY position"


def access(**changes: Any) -> Access:
    given: dict[str, Any] = {
        "workspace": "demo",
        "integration": "int_1",
        "at": AT,
        "actor": Actor(sub="worker-1"),
        "recipient": "thumbprint",
        "version": 3,
        "versions": {"apiKey": 2},
        "purpose": None,
        "outcome": "GRANTED",
        "client_address": "192.0.2.7",
        "request_id": "r1",
    }
    return Access(**{**given, **changes})


@pytest.fixture
async def pool(dsn: str) -> AsyncGenerator[Pool]:
    async with open_pool(dsn, "integrations_command") as pool:
        yield pool


def kept(admin: Connection[TupleRow]) -> dict[int, Access]:
    return {position: decode_access(bytes(row)) for position, row in admin.execute(ROWS)}


# ----- One record a minute for what is the same -----
async def test_a_record_holds_all_of_the_access(pool: Pool, admin: Connection[TupleRow]) -> None:
    await AccessJournal(pool).record(access())

    assert kept(admin) == {1: access()}


async def test_what_is_the_same_is_recorded_once_a_minute_by_all_processes(
    pool: Pool, admin: Connection[TupleRow]
) -> None:
    journals = (AccessJournal(pool), AccessJournal(pool))

    for second in (0, 29, 30):
        at = AT + timedelta(seconds=second)
        await asyncio.gather(*(journal.record(access(at=at)) for journal in journals * 20))

    assert [record.at for record in kept(admin).values()] == [AT, AT + timedelta(seconds=30)]


@pytest.mark.parametrize(
    "change",
    [
        {"workspace": "other"},
        {"integration": "int_2"},
        {"actor": Actor(sub="worker-2")},
        {"recipient": None},
        {"versions": {"apiKey": 3}},
        {"versions": {}},
        {"purpose": "campaign:1"},
        {"outcome": "INTEGRATION_INACTIVE"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_whatever_differs_is_a_record_of_its_own(
    pool: Pool,
    admin: Connection[TupleRow],
    change: dict[str, Any],
) -> None:
    journal = AccessJournal(pool)

    await journal.record(access())
    await journal.record(access(**change))

    assert [*kept(admin)] == [1, 2]


async def test_positions_have_no_gaps_with_several_writers(
    pool: Pool, admin: Connection[TupleRow]
) -> None:
    journals = [AccessJournal(pool) for _ in range(4)]

    await asyncio.gather(
        *(journals[n % 4].record(access(purpose=f"p{n % 50}")) for n in range(200))
    )

    assert [*kept(admin)] == [*range(1, 51)]


# ----- No record, no lease -----
async def test_a_journal_that_waits_for_another_says_so_in_time(
    pool: Pool, dsn: str, admin: Connection[TupleRow]
) -> None:
    with psycopg.connect(dsn) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(7597137600296673656)")
        with pytest.raises(UnavailableError):
            await AccessJournal(pool).record(access())

    assert kept(admin) == {}


async def test_a_journal_that_cannot_be_written_says_so_and_remembers_nothing(
    pool: Pool, admin: Connection[TupleRow]
) -> None:
    journal = AccessJournal(pool)
    revoke = "REVOKE EXECUTE ON FUNCTION integrations.record_accesses(jsonb) FROM {role}"
    admin.execute(revoke.format(role="integrations_command"))
    with pytest.raises(UnavailableError):
        await journal.record(access())

    admin.execute(
        "GRANT EXECUTE ON FUNCTION integrations.record_accesses(jsonb) TO integrations_command"
    )
    await journal.record(access())

    assert kept(admin) == {1: access()}


async def test_a_journal_that_may_only_be_read_says_so(
    dsn: str, admin: Connection[TupleRow]
) -> None:
    async with open_pool(dsn, "integrations_command", size=1) as pool:
        async with pool.connection() as connection:
            await connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(UnavailableError) as caught:
            await AccessJournal(pool).record(access())

    assert isinstance(caught.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)
    assert kept(admin) == {}


# ----- Nothing is changed, and months go -----
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE integrations.accesses SET actor_id = 'x'",
        "DELETE FROM integrations.accesses",
        "TRUNCATE integrations.accesses",
    ],
)
async def test_a_record_never_changes_and_none_of_this_month_goes(
    pool: Pool, admin: Connection[TupleRow], statement: str
) -> None:
    await AccessJournal(pool).record(access(at=datetime.now(UTC)))

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        admin.execute(statement.encode())


async def test_what_is_older_than_the_retention_goes(
    pool: Pool, admin: Connection[TupleRow]
) -> None:
    now = datetime.now(UTC)
    journal = AccessJournal(pool)
    for days in (100, 70, 20):
        await journal.record(access(at=now - timedelta(days=days)))

    assert await delete_batch(pool, months=3) == 1
    assert await delete_batch(pool, months=0) == 1  # of a month at least

    assert [*kept(admin)] == [3]
    await journal.record(access(at=now))
    assert [*kept(admin)] == [3, 4]
