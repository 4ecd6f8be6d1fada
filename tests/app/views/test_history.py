"""The history under any filter, against a plain list of what was written."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow, tuple_row
from psycopg.sql import SQL
from psycopg_pool import AsyncConnectionPool

from app.database.row_level_security import fetch_in_workspace
from app.event_store.codec import InvalidEventError
from app.views.history import HistoryFilter, HistoryViews
from projections.history import Action, HistoryEntry

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.conftest import Happened, Told

Pool = AsyncConnectionPool[AsyncConnection]
WORKSPACES = (f"w{number}" for number in count(1))
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
# A database outlives an example; each has a workspace of its own in it.
ON_ONE_DATABASE = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ACTIONS = get_args(Action)[:3]
HAPPENED = st.tuples(
    st.sampled_from(["int_1", "int_2"]),
    st.sampled_from(["ann", "bob", "INTEGRATION_ADDED ann"]),
    st.integers(0, 9),  # few seconds, so that they coincide, and in any order
    st.sampled_from(ACTIONS),
)
WRITES = st.lists(st.lists(HAPPENED, min_size=1, max_size=6), max_size=6)
# Entries before these: some end near the end of a page (64) or of a volume (1,024).
BEFORE = st.sampled_from([0, 0, 0, 60, 64, 125, 1020, 1024, 1090, 2100])
SECONDS = st.integers(-1, 10) | st.floats(-1, 10)
MOMENTS = st.none() | SECONDS.map(lambda second: NOON + timedelta(seconds=second))
FILTERS = st.builds(
    HistoryFilter,
    resource=st.none() | st.sampled_from(["int_1", "int_3"]),
    action=st.none() | st.sampled_from(ACTIONS),
    user=st.none() | st.sampled_from(["ann", "bob", "eve"]),
    start=MOMENTS,
    end=MOMENTS,
)


EVENT = SQL("SELECT integrations.event_at(1)")


class Lived(NamedTuple):
    """What is written first, at random, and what is then."""

    before: int
    seed: int
    writes: "list[list[Happened]]"


LIVED = st.builds(Lived, BEFORE, st.integers(0, 9), WRITES)


def matches(entry: HistoryEntry, wanted: HistoryFilter) -> bool:
    """Tell whether *entry* is wanted, in as many words."""
    return (
        wanted.resource in (None, entry.stream)
        and wanted.action in (None, entry.action)
        and wanted.user in (None, entry.actor_id)
        and (wanted.start is None or wanted.start <= entry.created_at)
        and (wanted.end is None or entry.created_at <= wanted.end)
    )


@ON_ONE_DATABASE
@given(lived=LIVED, filters=st.lists(FILTERS, min_size=1, max_size=8), data=st.data())
async def test_a_page_is_what_a_plain_list_would_give(
    told: "Told",
    queries: Pool,
    lived: Lived,
    filters: list[HistoryFilter],
    data: st.DataObject,
) -> None:
    workspace = next(WORKSPACES)
    entries = told.append_much(workspace, lived.before, Random(lived.seed))  # noqa: S311 — test data
    for happened in lived.writes:
        entries += told.append(workspace, happened)
    for wanted in filters:
        expected = [entry for entry in reversed(entries) if matches(entry, wanted)]
        offset = data.draw(st.integers(0, 20) | st.integers(0, len(expected)))
        limit = data.draw(st.integers(1, 9))

        page = await HistoryViews(queries).page(workspace, wanted, offset, limit)

        assert page.total == len(expected)
        assert page.entries == expected[offset : offset + limit]


async def test_nothing_of_another_workspace_is_seen(told: "Told", queries: Pool) -> None:
    added: Action = "INTEGRATION_ADDED"
    told.append_much("theirs", 1100, Random(1))  # noqa: S311 — test data
    told.append("theirs", [("int_1", "ann", 5, added), ("int_1", "ann", 1, added)])
    filters = [
        HistoryFilter(),
        HistoryFilter(resource="int_1"),
        HistoryFilter(action=added),
        HistoryFilter(user="ann"),
        HistoryFilter(user="ann", action=added),
        HistoryFilter(start=NOON, end=NOON + timedelta(seconds=3)),
        HistoryFilter(resource="int_1", user="ann"),
    ]
    views = HistoryViews(queries)
    for wanted in filters:
        assert (await views.page("theirs", wanted, 0, 20)).total > 0
        assert (await views.page("ours", wanted, 0, 20)).total == 0
    assert await views.knows("theirs", "int_1")
    assert not await views.knows("ours", "int_1")


async def test_reading_is_all_that_the_role_for_queries_may_do(queries: Pool) -> None:
    async with queries.connection() as connection:
        for forbidden in (
            "DELETE FROM integrations.history",
            "DELETE FROM integrations.history_pages",
            "DELETE FROM integrations.history_lists",
            "TABLE integrations.events",
        ):
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(forbidden)


async def test_entries_of_version_2_are_read_beside_later_ones(told: "Told", queries: Pool) -> None:
    written = told.append_much("demo", 70, Random(4))  # noqa: S311 — test data
    told.make_old(written[64:])
    written += told.append_much("demo", 70, Random(5))  # noqa: S311 — test data; binds the old ones

    page = await HistoryViews(queries).page("demo", HistoryFilter(), 0, 200)

    assert page.entries == written[::-1]


async def test_an_event_that_is_gone_from_the_log_is_no_empty_entry(
    told: "Told", queries: Pool, admin: Connection[TupleRow]
) -> None:
    told.append_much("demo", 3, Random(6))  # noqa: S311 — test data
    admin.execute("SET session_replication_role = replica")  # no trigger refuses
    admin.execute("DELETE FROM integrations.events WHERE position = 2")
    with pytest.raises(InvalidEventError):
        await HistoryViews(queries).page("demo", HistoryFilter(), 0, 20)


async def test_the_log_tells_a_query_of_its_own_workspace_only(told: "Told", queries: Pool) -> None:
    told.append("theirs", [("int_1", "ann", 5, "INTEGRATION_ADDED")])
    for workspace, is_told in {"theirs": True, "ours": False}.items():
        [(event,)] = await fetch_in_workspace(queries, workspace, EVENT, {}, tuple_row)
        assert (event is not None) is is_told
