"""The history of a workspace with very many events: any page costs what the first costs."""

from typing import Any

import pytest
from msgspec.structs import asdict
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed

from app.database.pools import Pool
from app.views.history import HistoryFilter, HistoryViews, history_queries
from tests.benchmarks.history import FILTERED, UNFILTERED, fill, milliseconds

EXPLAIN = SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ")


def cost(admin: Connection[TupleRow], wanted: HistoryFilter) -> int:
    """Return how many blocks a page of *wanted* takes, with its total."""
    total, page = history_queries(wanted)
    parameters = {"workspace": "demo", **asdict(wanted), "offset": 3, "limit": 5}
    [(_, parameters["first"], parameters["last"])] = admin.execute(total, parameters)
    return sum(min(blocks(admin, query, parameters) for _ in "12") for query in (total, page))


def blocks(admin: Connection[TupleRow], query: Composed, parameters: dict[str, Any]) -> int:
    """Return how many blocks *query* takes."""
    [(explained,)] = admin.execute(EXPLAIN + query, parameters)
    plan = explained[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("name", UNFILTERED)
def test_a_page_of_a_long_history_reads_no_more_blocks_than_one_of_a_short(
    admin: Connection[TupleRow], name: str
) -> None:
    fill(admin, 1, 1_000)
    short = cost(admin, UNFILTERED[name])
    fill(admin, 1_001, 30_000)
    long = cost(admin, UNFILTERED[name])
    assert 0 < long <= short + 12


@pytest.mark.slow
async def test_any_page_of_a_million_events_takes_less_than_100_ms(
    admin: Connection[TupleRow], audits: Pool
) -> None:
    views = HistoryViews(audits)
    fill(admin, 1, 1_000)
    short = await milliseconds(views, HistoryFilter(), 500, 20)
    fill(admin, 1_001, 1_000_000)
    times = {
        name: [await milliseconds(views, wanted, offset, 20) for offset in (0, 3_000)]
        for name, wanted in {"workspace": HistoryFilter(), **FILTERED}.items()
    }
    print(short, times)  # noqa: T201 — shown with -s
    assert max(times["workspace"]) < 3 * short + 5
    assert max(map(max, times.values())) < 100
