"""The history under any filter, against a plain list of what was written."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.pools import Pool
from app.event_store.codec import InvalidEventError
from app.views.history import HistoryFilter, HistoryViews
from projections.history import Action, HistoryEntry

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.conftest import Happened, StoryTeller

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
# Entries before these.
BEFORE = st.sampled_from([0, 0, 0, 60, 1090])
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
    told: "StoryTeller",
    audits: Pool,
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

        page = await HistoryViews(audits).page(workspace, wanted, offset, limit)

        assert page.total == len(expected)
        assert page.entries == expected[offset : offset + limit]


async def test_nothing_of_another_workspace_is_seen(told: "StoryTeller", audits: Pool) -> None:
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
    views = HistoryViews(audits)
    for wanted in filters:
        assert (await views.page("theirs", wanted, 0, 20)).total > 0
        assert (await views.page("ours", wanted, 0, 20)).total == 0
    assert await views.exists("theirs", "int_1")
    assert not await views.exists("ours", "int_1")


async def test_reading_is_all_that_the_role_for_looking_back_may_do(audits: Pool) -> None:
    async with audits.connection() as connection:
        for forbidden in (
            "DELETE FROM integrations.events",
            "UPDATE integrations.events SET at = now()",
            "TABLE integrations.secret_store",
        ):
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(forbidden)


async def test_an_event_whose_bytes_are_spoilt_is_no_empty_entry(
    told: "StoryTeller", audits: Pool, admin: Connection[TupleRow]
) -> None:
    told.append_much("demo", 3, Random(6))  # noqa: S311 — test data
    admin.execute("SET session_replication_role = replica")  # no trigger refuses
    admin.execute("UPDATE integrations.events SET envelope = '' WHERE position = 2")
    with pytest.raises(InvalidEventError):
        await HistoryViews(audits).page("demo", HistoryFilter(), 0, 20)
