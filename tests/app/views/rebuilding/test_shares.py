"""Shares are all of the log, and each event is in one of them."""

from typing import TYPE_CHECKING

import psycopg
import pytest

from app.event_store.codec import decode_envelopes
from app.views.rebuilding.loading import LOG, session_of
from app.views.rebuilding.reading import make_ready, stretches_of
from app.views.rebuilding.shares import Share, shares_of
from tests.benchmarks.log.seed_data import fill

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

IN_ORDER = "SELECT workspace_id, position FROM integrations.events ORDER BY workspace_id, position"


@pytest.mark.parametrize("stretch", [7, 500, 1_000])
@pytest.mark.parametrize(("size", "amount"), [(700, 7), (5_000, 1), (20, 11)])
def test_every_event_is_in_one_share_and_comes_after_those_of_its_workspace(
    dsn: str, monkeypatch: pytest.MonkeyPatch, size: int, amount: int, stretch: int
) -> None:
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", size)
    monkeypatch.setattr("app.views.rebuilding.reading.EVENTS", stretch)
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill(connection, 5_000)
        shares = shares_of(connection, 5_000)
        found = [
            (event.workspace, position)
            for share in shares
            for read in stretches_of(connection, share)
            for position, event in zip(
                read.positions, decode_envelopes(read.envelopes), strict=True
            )
        ]
        wanted = connection.execute(IN_ORDER).fetchall()
    assert found == wanted
    assert len(shares) == amount  # at most the ten workspaces, and what is after the last


def test_a_share_ends_where_the_log_did(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill(connection, 500)
        read = [
            position for each in stretches_of(connection, Share(7)) for position in each.positions
        ]
    assert sorted(read) == [*range(1, 8)]


def test_a_share_is_read_by_its_index_and_never_sorted(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", 5_000)
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill(connection, 20_000)
        make_ready(connection)
        _, share, *_ = shares_of(connection, 20_000)
        connection.execute("LOAD 'auto_explain'")
        connection.execute("SET auto_explain.log_min_duration = 0")
        connection.execute("SET client_min_messages = log")
        plans: list[str] = []
        connection.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        assert [*stretches_of(connection, share)]
    read = [plan for plan in plans if "COPY" in plan]
    assert read
    assert all("events_workspace" in plan and "Sort" not in plan for plan in read)


def test_workers_read_the_log_by_a_session_that_is_ready_for_it(dsn: str) -> None:
    with session_of.__wrapped__(dsn, LOG) as log:
        assert log.execute("SHOW enable_sort").fetchone() == ("off",)
    with session_of.__wrapped__(dsn, "history") as other:
        assert other.execute("SHOW enable_sort").fetchone() == ("on",)


async def test_a_log_of_many_shares_is_rebuilt_as_one_of_a_single_share(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(1, 150)
    before = views.rows()
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", 10)

    assert not views.rebuild().differs

    assert views.rows() == before
