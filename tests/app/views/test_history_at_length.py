"""The history of a workspace with very many entries: any page costs what the first costs."""

import time
from datetime import UTC, datetime
from statistics import median
from typing import Any

import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed
from psycopg_pool import AsyncConnectionPool

from app.views.history import (
    HistoryFilter,
    HistoryViews,
    numbering_for,
    parameters_of,
    query_for,
)
from app.views.numbering import ENTRIES
from app.views.numbers import Numbers

Pool = AsyncConnectionPool[AsyncConnection]
DEEP = 4_999 * 20  # entries before page 5,000
# Two actions, three actors; every hundredth entry is late by 2 s.
FILL = """
INSERT INTO integrations.history
SELECT
    'demo', n, n, (ARRAY['INTEGRATION_ENABLED', 'INTEGRATION_DISABLED'])[1 + n %% 2],
    'user-' || n %% 3,
    timestamptz '2026-01-01Z' + make_interval(secs => n - CASE WHEN n %% 100 = 0 THEN 3 ELSE 0 END),
    timestamptz '2026-01-01Z' + make_interval(secs => n - CASE WHEN n %% 100 = 0 THEN 1 ELSE 0 END),
    convert_to(json_build_object(
        'workspace_id', 'demo', 'stream', 'int_' || n %% 200000, 'version', (n + 199999) / 200000,
        'resource_name', 'Mail', 'action', 'INTEGRATION_ENABLED',
        'details', json_build_object('changes', json_build_object()), 'actor_id', 'user-1',
        'actor_name', NULL, 'actor_email', NULL, 'ip_address', '127.0.0.1',
        'created_at', timestamptz '2026-01-01Z'
    )::text, 'UTF8')
FROM generate_series(1, %s) AS n
"""
BIND = "SELECT integrations.bind_pages('{demo}', '{0}', ARRAY[%s::bigint])"
EXPLAIN = SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ")
EARLY = datetime(2026, 1, 1, 0, 20, tzinfo=UTC)
FILTERS = {
    "no filter": HistoryFilter(),
    "action": HistoryFilter(action="INTEGRATION_DISABLED"),
    "actor": HistoryFilter(user="user-1"),
    "actor and action": HistoryFilter(user="user-1", action="INTEGRATION_DISABLED"),
    "dates": HistoryFilter(start=EARLY),
    "actor and dates": HistoryFilter(user="user-1", start=EARLY),
}


def fill(admin: Connection[TupleRow], amount: int) -> None:
    """Write *amount* entries, as if together."""
    admin.execute(FILL, (amount,))
    admin.execute(BIND, (amount,))
    admin.execute("ANALYZE integrations.history, integrations.history_pages")


@pytest.mark.parametrize("name", FILTERS)
def test_a_deep_page_of_a_long_history_reads_no_more_blocks_than_the_first_of_a_short_one(
    admin: Connection[TupleRow], name: str
) -> None:
    admin.execute("SELECT set_config('app.workspace', 'demo', false)")
    fill(admin, 3_000)
    first = blocks(admin, FILTERS[name], 0)
    admin.execute("TRUNCATE integrations.history, integrations.history_pages")
    admin.execute("TRUNCATE integrations.history_lists")
    fill(admin, 30_000)
    deep = blocks(admin, FILTERS[name], 4_000)

    assert deep < 1.5 * first + 20
    assert deep < 400  # of 3,000 that there are


def blocks(admin: Connection[TupleRow], wanted: HistoryFilter, offset: int) -> int:
    """Return how many blocks a page of *wanted* takes, once all plans are made."""
    numbering, parameters = numbering_for(wanted), parameters_of("demo", wanted)
    query = numbering.sql(query_for(wanted))
    [numbers] = admin.execute(query, parameters)
    parameters["chosen"] = Numbers(*numbers).page(offset, 20)
    assert len(parameters["chosen"]) == 20
    return min(
        sum(explained(admin, each, parameters) for each in (query, numbering.sql(ENTRIES)))
        for _ in range(2)
    )


def explained(admin: Connection[TupleRow], query: Composed, parameters: dict[str, Any]) -> int:
    """Return how many blocks *query* takes."""
    [(told,)] = admin.execute(EXPLAIN + query, parameters)
    plan = told[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_page_5000_of_a_million_entries_costs_what_page_1_costs(
    admin: Connection[TupleRow], queries: Pool
) -> None:
    fill(admin, 1_000_000)
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
