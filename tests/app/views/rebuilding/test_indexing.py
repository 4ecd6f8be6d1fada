"""Indexes are built beside each other, where nobody else works."""

from collections.abc import Generator
from time import sleep
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.traffic import Traffic

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
COMMITTED = "SELECT xact_commit FROM pg_stat_database WHERE datname = %s"
Pool = AsyncConnectionPool[AsyncConnection]


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


@pytest.fixture
def no_vacuum(admin: Connection[TupleRow]) -> Generator[None]:
    """Let PostgreSQL vacuum nothing by itself meanwhile: that commits too."""
    admin.execute("ALTER SYSTEM SET autovacuum = off")
    admin.execute("SELECT pg_reload_conf()")
    yield
    admin.execute("ALTER SYSTEM RESET autovacuum")
    admin.execute("SELECT pg_reload_conf()")


@pytest.mark.usefixtures("no_vacuum")
async def test_what_a_rebuild_commits_is_expected(
    live: "Live",
    commands: Pool,
    views: "Views",
    server_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", 10)
    monkeypatch.setattr(Traffic, "lanes", 3)
    expected: list[int] = []

    def note(_: Traffic, commits: int) -> None:
        expected.append(commits)

    monkeypatch.setattr(Traffic, "expect", note)
    await live(1, 200)
    await commands.close()
    with psycopg.connect(server_dsn, autocommit=True) as elsewhere:
        before = commits_of(views, elsewhere)
        views.rebuild()
        unexpected = commits_of(views, elsewhere) - before - sum(expected)

    # Those of the two sessions that open shadows, compare and switch, and of the count itself. The
    # server has an idle session that has not heard of many new tables catch up: one now and then.
    assert 33 <= unexpected < 40


def commits_of(views: "Views", elsewhere: Connection[TupleRow]) -> int:
    """Return how many transactions there have been, once all other sessions have told and gone.

    *elsewhere*, another database, takes the looks: they are transactions too.
    """
    name, ours = views.admin.info.dbname, views.admin.info.backend_pid
    views.admin.execute("SELECT pg_stat_force_next_flush()")
    while elsewhere.execute(OTHERS, [name, ours]).fetchone() != (0,):
        sleep(0.01)
    [(amount,)] = elsewhere.execute(COMMITTED, [name])
    return amount
