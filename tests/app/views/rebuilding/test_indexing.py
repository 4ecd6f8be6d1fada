"""Indexes are built beside each other, where nobody else works."""

from time import sleep
from typing import TYPE_CHECKING

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.traffic import Traffic

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

REBUILDING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'integrations_rebuild'"


@pytest.mark.parametrize(("lanes", "at_once"), [(1, 1), (3, 2)])
async def test_an_index_is_built_on_each_core_the_longest_from_the_beginning(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch, lanes: int, at_once: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(Traffic, "lanes", lanes)
    plain, building, begun, most = Shadow.build, list[str](), list[str](), list[int]()

    def watched(shadow: Shadow, connection: Connection[TupleRow], index: str) -> None:
        begun.append(index)
        building.append(index)
        most.append(len(building))
        sleep(0.02)
        plain(shadow, connection, index)
        building.remove(index)

    monkeypatch.setattr(Shadow, "build", watched)
    await live(1, 20)

    assert not views.rebuild().differs

    assert max(most) == at_once
    assert "integration_view_search" in begun[:at_once]


async def test_what_a_rebuild_commits_is_expected(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", 10)
    monkeypatch.setattr(Traffic, "lanes", 3)
    expected: list[int] = []

    def note(_: Traffic, commits: int) -> None:
        expected.append(commits)

    monkeypatch.setattr(Traffic, "expect", note)
    await live(1, 200)
    before = commits_of(views)

    views.rebuild()

    # Beyond are those of the two sessions that open shadows, compare and switch.
    assert 30 <= commits_of(views) - before - sum(expected) <= 42


def commits_of(views: "Views") -> int:
    """Return how many transactions there have been, once all sessions of a rebuild have told."""
    while views.admin.execute(REBUILDING).fetchone() != (0,):
        sleep(0.01)
    views.admin.execute("SELECT pg_stat_force_next_flush()")
    views.admin.execute("SELECT pg_stat_clear_snapshot()")
    [(amount,)] = views.admin.execute(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    return amount
