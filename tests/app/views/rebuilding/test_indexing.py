"""Indexes are built beside each other, and a long one is helped with where nobody else works."""

from time import sleep
from typing import TYPE_CHECKING

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.traffic import Traffic

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

HELPERS = "SELECT current_setting('max_parallel_maintenance_workers')"
REBUILDING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'integrations_rebuild'"
SHORT = {"integration_view_id", "history_sequence", "history_pages_page"}


@pytest.mark.parametrize(("lanes", "helpers"), [(1, "0"), (3, "1")])
async def test_the_index_of_trigrams_is_helped_with_where_nobody_else_works(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch, lanes: int, helpers: str
) -> None:
    monkeypatch.setattr(Traffic, "lanes", lanes)
    monkeypatch.setattr(Shadow, "indexes", weighed)
    plain, had = Shadow.build, dict[str, str]()

    def watched(shadow: Shadow, connection: Connection[TupleRow], index: str, wanted: int) -> None:
        with connection.transaction():
            plain(shadow, connection, index, wanted)
            [had[index]] = connection.execute(HELPERS).fetchone() or ("",)

    monkeypatch.setattr(Shadow, "build", watched)
    await live(1, 20)

    assert not views.rebuild().differs

    assert had["integration_view_search"] == helpers
    assert {had[index] for index in SHORT} == {"0"}


def weighed(shadow: Shadow, connection: Connection[TupleRow]) -> list[tuple[str, int]]:
    """Return the indexes of a view, with the weights that a million integrations would have."""
    found = connection.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'integrations' AND tablename = %s",
        (shadow.view,),
    )
    return [(name, 90 if name == "integration_view_search" else 2) for (name,) in found]


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
