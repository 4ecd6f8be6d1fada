"""The history of a workspace with a million entries: any page costs what the first costs."""

import time
from datetime import UTC, datetime
from statistics import median

import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.views.history import HistoryFilter, HistoryViews

Pool = AsyncConnectionPool[AsyncConnection]
DEEP = 4_999 * 20  # entries before page 5,000
# 200,000 integrations, two actions, three actors; every hundredth entry is late by 2 s.
FILL = """
INSERT INTO integrations.history
SELECT
    'demo', n, n, 'int_' || n % 200000, (n + 199999) / 200000, 'Mail',
    (ARRAY['INTEGRATION_ENABLED', 'INTEGRATION_DISABLED'])[1 + n % 2],
    '{"changes": {"isActive": {"from": true, "to": false}}}',
    'user-' || n % 3, NULL, NULL, '127.0.0.1',
    timestamptz '2026-01-01Z' + make_interval(secs => n - CASE WHEN n % 100 = 0 THEN 3 ELSE 0 END),
    timestamptz '2026-01-01Z' + make_interval(secs => n - CASE WHEN n % 100 = 0 THEN 1 ELSE 0 END),
    (n + n % 2) / 2, (n + 2) / 3, (n + 5) / 6
FROM generate_series(1, 1000000) AS n
"""
EARLY = datetime(2026, 1, 1, 0, 20, tzinfo=UTC)
FILTERS = {
    "no filter": HistoryFilter(),
    "action": HistoryFilter(action="INTEGRATION_DISABLED"),
    "actor": HistoryFilter(user="user-1"),
    "actor and action": HistoryFilter(user="user-1", action="INTEGRATION_DISABLED"),
    "dates": HistoryFilter(start=EARLY),
    "actor and dates": HistoryFilter(user="user-1", start=EARLY),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_page_5000_of_a_million_entries_costs_what_page_1_costs(
    admin: Connection[TupleRow], queries: Pool
) -> None:
    admin.execute(FILL)
    admin.execute("ANALYZE integrations.history")
    views = HistoryViews(queries)
    for name, wanted in FILTERS.items():
        first, deep = await milliseconds(views, wanted, 0), await milliseconds(views, wanted, DEEP)
        assert deep < 2 * first + 1, name
        assert first < 30, name  # reading them all takes hundreds


async def milliseconds(views: HistoryViews, wanted: HistoryFilter, offset: int) -> float:
    """Return the median time of a full page with its total."""
    taken: list[float] = []
    for _ in range(9):
        start = time.perf_counter()
        page = await views.page("demo", wanted, offset, 20)
        taken.append((time.perf_counter() - start) * 1000)
        assert len(page.entries) == 20
    return median(taken)
