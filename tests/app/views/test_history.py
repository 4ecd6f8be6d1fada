"""The history under any filter, against a plain list of what was written."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, count, cycle
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg import AsyncConnection, Connection
from psycopg.rows import DictRow, TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool

from app.views.history import HistoryEntry, HistoryFilter, HistoryViews
from projections.history import Action, HistoryRow

Pool = AsyncConnectionPool[AsyncConnection]
WORKSPACES = (f"w{number}" for number in count(1))
WRITE = "SELECT integrations.write_history(%s::jsonb, %s)"
TOGETHER = 3  # commands in one call, every other time
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
ANY = HistoryFilter()
# A database outlives an example; each has a workspace of its own in it.
ON_ONE_DATABASE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def row(stream: str, action: Action, user: str, second: int) -> HistoryRow:
    """Return an entry; its workspace and version are not yet known."""
    return HistoryRow(
        workspace_id="",
        stream=stream,
        version=0,
        resource_name="Mail",
        action=action,
        details={"changes": {}},
        actor_id=user,
        actor_name=None,
        actor_email=None,
        ip_address=None,
        created_at=NOON + timedelta(seconds=second),
    )


TIMES = st.integers(0, 9)  # few, so that they coincide, and in any order
ACTIONS: Sequence[Action] = get_args(Action)[:3]
WRITES = st.lists(
    st.tuples(
        st.sampled_from(["int_1", "int_2"]),
        st.sampled_from(["ann", "bob", "INTEGRATION_ADDED ann"]),
        TIMES,
        st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
    ),
    max_size=12,
)
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
Writes = list[tuple[str, str, int, list[Action]]]


def written(admin: Connection[TupleRow], workspace: str, writes: Writes) -> list[HistoryEntry]:
    """Write as the service does, a command alone, then some together; return all, oldest first."""
    entries: list[HistoryEntry] = []
    left = [*recorded(workspace, writes)]
    for size in cycle((1, TOGETHER)):
        now, left = left[:size], left[size:]
        if not now:
            return entries
        first = len(entries) + 1
        items = [
            {"workspace": workspace, "stream": n[0].stream, "entries": {"history": n}} for n in now
        ]
        admin.execute(WRITE, (msgspec.json.encode(items).decode(), first))
        entries += [
            HistoryEntry(**msgspec.structs.asdict(each), position=position)
            for position, each in enumerate(chain(*now), start=first)
        ]
    raise AssertionError


def recorded(workspace: str, writes: Writes) -> Iterator[list[HistoryRow]]:
    """Yield the rows of each write's events."""
    versions: Counter[str] = Counter()
    for stream, user, second, actions in writes:
        new: list[HistoryRow] = []
        for action in actions:
            versions[stream] += 1
            blank = row(stream, action, user, second)
            new.append(replace(blank, workspace_id=workspace, version=versions[stream]))
        yield new


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
@given(writes=WRITES, filters=st.lists(FILTERS, min_size=1, max_size=8), data=st.data())
async def test_a_page_is_what_a_plain_list_would_give(
    admin: Connection[TupleRow],
    queries: Pool,
    writes: Writes,
    filters: list[HistoryFilter],
    data: st.DataObject,
) -> None:
    workspace = next(WORKSPACES)
    entries = written(admin, workspace, writes)
    for wanted in filters:
        offset, limit = data.draw(st.integers(0, 20)), data.draw(st.integers(1, 9))
        expected = [entry for entry in reversed(entries) if matches(entry, wanted)]

        page = await HistoryViews(queries).page(workspace, wanted, offset, limit)

        assert page.total == len(expected)
        assert page.entries == expected[offset : offset + limit]


@ON_ONE_DATABASE
@given(writes=WRITES)
def test_every_list_is_numbered_from_1_without_holes(
    admin: Connection[TupleRow], writes: Writes
) -> None:
    workspace = next(WORKSPACES)
    written(admin, workspace, writes)
    seen: Counter[tuple[str, ...]] = Counter()
    latest = NOON
    for entry in stored(admin, workspace):
        lists: dict[str, tuple[str, ...]] = {
            "sequence": (),
            "action_sequence": ("action", entry["action"]),
            "actor_sequence": ("actor", entry["actor_id"]),
            "actor_action_sequence": ("both", entry["action"], entry["actor_id"]),
        }
        seen.update(lists.values())
        latest = max(latest, entry["created_at"])
        assert {name: entry[name] for name in lists} == {n: seen[key] for n, key in lists.items()}
        assert entry["latest_at"] == latest


def stored(admin: Connection[TupleRow], workspace: str) -> list[DictRow]:
    """Return the rows of *workspace* in the order in which they were written."""
    query = "SELECT * FROM integrations.history WHERE workspace_id = %s ORDER BY position"
    return admin.cursor(row_factory=dict_row).execute(query, (workspace,)).fetchall()


async def test_nothing_of_another_workspace_is_seen(
    admin: Connection[TupleRow], queries: Pool
) -> None:
    added: list[Action] = ["INTEGRATION_ADDED"]
    written(admin, "theirs", [("int_1", "ann", 5, added), ("int_1", "ann", 1, added)])
    filters = [
        ANY,
        HistoryFilter(resource="int_1"),
        HistoryFilter(action="INTEGRATION_ADDED"),
        HistoryFilter(user="ann"),
        HistoryFilter(user="ann", action="INTEGRATION_ADDED"),
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
        for forbidden in ("DELETE FROM integrations.history", "TABLE integrations.events"):
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(forbidden)
