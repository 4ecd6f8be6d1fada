import psycopg
import pytest

from app.database.pools import open_pool
from app.event_store.idempotency import BATCH_SIZE, delete_expired_responses

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
