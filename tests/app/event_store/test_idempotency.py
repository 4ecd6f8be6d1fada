import asyncio

import psycopg
import pytest

from app.database.pools import open_pool
from app.event_store import idempotency
from app.event_store.idempotency import (
    BATCH_SIZE,
    StoredResponses,
    delete_expired_responses,
    overdue_gauges,
)

KEEP = """
INSERT INTO integrations.idempotent_responses
    (workspace_id, key, fingerprint, status, headers, body, stored_at)
SELECT 'demo', %s || number, '', 200, '{}', '', now() - %s::interval
FROM generate_series(1, %s) AS number
"""
COUNT = "SELECT count(*) FROM integrations.idempotent_responses WHERE key LIKE %s"


@pytest.mark.parametrize("expired", [0, 3, BATCH_SIZE, 3 * BATCH_SIZE + 5])
async def test_all_expired_responses_are_deleted_and_fresh_ones_stay(
    dsn: str, expired: int
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(KEEP, ("old", "25 hours", expired))
        connection.execute(KEEP, ("fresh", "23 hours", 2))
    async with open_pool(dsn, "integrations_command") as pool:
        assert await delete_expired_responses(pool) == expired
    with psycopg.connect(dsn) as connection:
        assert connection.execute(COUNT, ("old%",)).fetchone() == (0,)
        assert connection.execute(COUNT, ("fresh%",)).fetchone() == (2,)


async def test_rows_that_another_worker_cleans_up_are_left_to_it(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(KEEP, ("old", "25 hours", 3))
    async with open_pool(dsn, "integrations_command") as pool:
        with psycopg.connect(dsn) as other:
            other.execute(
                "SELECT 1 FROM integrations.idempotent_responses WHERE key = 'old1' FOR UPDATE"
            )
            assert await delete_expired_responses(pool) == 2


async def test_what_should_be_gone_is_measured(dsn: str) -> None:
    async with open_pool(dsn, "integrations_past") as pool:
        with psycopg.connect(dsn) as connection:
            connection.execute(KEEP, ("fresh", "23 hours", 2))
        assert await overdue_gauges(pool) == {
            "integrations_overdue_responses": 0,
            "integrations_overdue_response_age_seconds": 0,
        }
        with psycopg.connect(dsn) as connection:
            connection.execute(KEEP, ("old", "25 hours", 3))
            connection.execute(KEEP, ("older", "26 hours", 1))
        measured = await overdue_gauges(pool)
    assert measured["integrations_overdue_responses"] == 4
    assert 7_200 <= measured["integrations_overdue_response_age_seconds"] < 7_300


async def test_a_database_that_is_away_has_no_such_gauges(dsn: str) -> None:
    async with open_pool(dsn, "integrations_past") as pool:
        pass
    assert await overdue_gauges(pool) == {}


async def test_workspaces_with_too_many_responses_are_known(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_RESPONSES", 3)
    async with open_pool(dsn, "integrations_command") as pool:
        stored = StoredResponses(pool)
        for amount, over in ((3, frozenset[str]()), (1, frozenset({"demo"}))):
            with psycopg.connect(dsn) as connection:
                connection.execute(KEEP, (f"of{amount}-", "1 hour", amount))
            await stored.count()
            assert stored.over_quota == over


async def test_it_cleans_up_and_counts_again_and_again(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "CLEANUP_INTERVAL", 0.02)
    monkeypatch.setattr(idempotency, "MAX_RESPONSES", 1)
    async with open_pool(dsn, "integrations_command") as pool:
        stored = StoredResponses(pool)
        running = asyncio.create_task(stored.run())
        with psycopg.connect(dsn) as connection:
            connection.execute(KEEP, ("fresh", "1 hour", 2))
            connection.execute(KEEP, ("old", "25 hours", 3))
        async with asyncio.timeout(10):
            while "demo" not in stored.over_quota:  # noqa: ASYNC110 — nobody is told
                await asyncio.sleep(0.02)
        with psycopg.connect(dsn) as connection:
            assert connection.execute(COUNT, ("old%",)).fetchone() == (0,)
        running.cancel()
        await asyncio.wait([running])
