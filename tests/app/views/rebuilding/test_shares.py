"""Shares are all of the log, and each event is in one of them."""

from typing import TYPE_CHECKING

import psycopg
import pytest

from app.views.rebuilding.shares import shares_of
from scripts.log_benchmark.filling import fill

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

IN_SHARE = """
SELECT position FROM integrations.events
WHERE workspace_id > %s AND (workspace_id <= %s OR %s)
"""


@pytest.mark.parametrize(("size", "amount"), [(700, 7), (5_000, 1), (20, 11)])
def test_every_event_is_in_one_share(
    dsn: str, monkeypatch: pytest.MonkeyPatch, size: int, amount: int
) -> None:
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", size)
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill(connection, 5_000)
        shares = shares_of(connection, 5_000)
        found = [
            position
            for share in shares
            for (position,) in connection.execute(
                IN_SHARE, (share.after or "", share.upto or "", share.upto is None)
            )
        ]
    assert sorted(found) == [*range(1, 5_001)]
    assert len(shares) == amount  # at most the ten workspaces, and what is after the last


async def test_a_log_of_many_shares_is_rebuilt_as_one_of_a_single_share(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(1, 150)
    before = views.rows()
    monkeypatch.setattr("app.views.rebuilding.shares.EVENTS", 10)

    assert not views.rebuild().differs

    assert views.rows() == before
