"""A page of a list costs the same in a workspace with 1,000,000 integrations.

The long form fills a million rows; the short one, in every run, ten thousand.
"""

import time
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from app.database.pools import open_pool
from app.views.integrations import IntegrationViews, Page
from app.views.list_queries import ListFilter, SortOrder

FILL = """
INSERT INTO integrations.integration_view
SELECT 'large', 'int_' || lpad(n::text, 8, '0'), 1, 'Name ' || n, 'TWILIO', 'SMS', n %% 2 = 0,
       NULL, NULL, NULL, NULL, NULL, now() + n * interval '1 ms', now() - n * interval '1 ms',
       'name ' || n, 'name ' || n || E'\\nowner' || n %% 5000 || '@example.org'
FROM generate_series(1, %s) AS n
"""
LARGE = ListFilter(workspace="large")
LIMIT = 200


async def milliseconds(*asks: Callable[[], Awaitable[Page]]) -> list[float]:
    """Return the least of fifteen times that each of *asks* takes, in turns: others work, too."""
    times: list[list[float]] = [[] for _ in asks]
    for _ in range(15):
        for ask, took in zip(asks, times, strict=True):
            started = time.perf_counter()
            await ask()
            took.append((time.perf_counter() - started) * 1000)
    return [min(took) for took in times]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "rows", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)], ids=["short", "long"]
)
async def test_near_and_far_pages_cost_the_same(dsn: str, rows: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FILL, (rows,))
        connection.execute("SELECT integrations.recount()")
        connection.execute("VACUUM ANALYZE integrations.integration_view")
    last = rows // LIMIT
    async with open_pool(dsn, "integrations_query") as pool:
        lists = IntegrationViews(pool)
        for order in (SortOrder(), SortOrder("name_key"), SortOrder("updated_at", descending=True)):
            first = await lists.page_number(LARGE, order, 1, LIMIT)
            end = await lists.page_number(LARGE, order, last, LIMIT)
            assert (first.total, len(first.rows), len(end.rows), end.next) == (rows, 200, 200, None)
            took: list[list[float]] = []
            while not any(max(far, after) < near * 1.5 + 0.5 for near, far, after in took):
                assert len(took) < 5, took  # a busy machine may slow one more than the others
                near_far_after = await milliseconds(
                    lambda o=order: lists.page_number(LARGE, o, 1, LIMIT),
                    lambda o=order: lists.page_number(LARGE, o, last, LIMIT),
                    lambda o=order, k=first.next: lists.page_after(LARGE, o, k, LIMIT),
                )
                took.append(near_far_after)
        searched = ListFilter(workspace="large", searches=("owner4711@",))
        found = await lists.page_number(searched, SortOrder(), 1, LIMIT)
        [spent] = await milliseconds(lambda: lists.page_number(searched, SortOrder(), 1, LIMIT))
        assert found.total == sum(n % 5000 == 4711 for n in range(1, rows + 1))
        assert spent < 100
    with psycopg.connect(dsn) as connection:
        assert scans_of(connection, "integration_view_search") > 0


def scans_of(connection: psycopg.Connection, index: str) -> int:
    """Return how often *index* was used by connections that have ended."""
    query = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s"
    for _ in range(100):  # they tell a moment after they have ended
        row = connection.execute(query, (index,)).fetchone()
        if row and row[0]:
            return row[0]
        connection.rollback()
        time.sleep(0.05)
    return 0
