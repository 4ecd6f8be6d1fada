"""While indexes are built views are compared, where nothing is appended meanwhile."""

from typing import TYPE_CHECKING

import pytest
from psycopg.sql import SQL

from app.event_store.subscription import head_position
from app.views.rebuilding.comparing import Compared
from app.views.rebuilding.glance import Glance
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.traffic import Traffic
from projections.history import history

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

ALL = ["integration_view", *history.tables, "integration_counts"]
COPIED = SQL("INSERT INTO {} SELECT * FROM {}")


def shadows_as(views: "Views") -> list[Shadow]:
    """Return shadows that are as their views are."""
    shadows = [
        Shadow.of(views.admin, table, view.version)
        for view in views.catalogue.views
        for table in view.tables
    ]
    for shadow in shadows:
        shadow.open(views.admin)
        views.admin.execute(COPIED.format(shadow.table, shadow.live))
    return shadows


async def test_views_that_are_as_their_shadows_are_seen_to_be_so(
    live: "Live", views: "Views"
) -> None:
    await live(1, 40)
    glance = Glance(head_position(views.admin), shadows_as(views))
    assert glance.found() is None

    for job in glance.jobs():
        job(views.admin)

    found = glance.found()
    assert found is not None
    assert [(each.view, each.amount) for each in found] == [(view, 0) for view in ALL]


async def test_counts_that_are_wrong_are_seen(live: "Live", views: "Views") -> None:
    await live(1, 40)
    views.admin.execute("UPDATE integrations.integration_counts SET amount = amount + 1")
    glance = Glance(head_position(views.admin), shadows_as(views))

    for job in glance.jobs():
        job(views.admin)

    *_, counts = glance.found() or []
    assert (counts.view, counts.amount > 0) == ("integration_counts", True)


async def test_what_was_seen_at_another_position_is_not_enough(
    live: "Live", views: "Views"
) -> None:
    await live(1, 40)
    glance = Glance(head_position(views.admin) - 1, shadows_as(views))

    for job in glance.jobs():
        job(views.admin)

    assert glance.found() is None


@pytest.mark.parametrize("view", ["integration_view", "history"])
async def test_a_shadow_that_lacks_a_row_is_not(live: "Live", views: "Views", view: str) -> None:
    await live(1, 40)
    shadows = shadows_as(views)
    [shadow] = [shadow for shadow in shadows if shadow.view == view]
    taken = SQL("DELETE FROM {0} WHERE ctid = (SELECT max(ctid) FROM {0})").format(shadow.table)
    views.admin.execute(taken)
    glance = Glance(head_position(views.admin), shadows)

    for job in glance.jobs():
        job(views.admin)

    assert glance.found() is None


@pytest.mark.parametrize("done", [0, 1, 3])
async def test_once_something_is_appended_nothing_is_seen(
    live: "Live", views: "Views", done: int
) -> None:
    await live(1, 40)
    head = head_position(views.admin)
    glance = Glance(head, shadows_as(views))
    jobs = glance.jobs()

    for job in jobs[:done]:
        job(views.admin)
    await live(2, 5)
    assert head_position(views.admin) > head
    for job in jobs[done:]:
        job(views.admin)

    assert glance.found() is None


@pytest.mark.parametrize(("lanes", "later"), [(1, ["compared"]), (3, [])])
async def test_a_rebuild_compares_later_only_while_others_work(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch, lanes: int, later: list[str]
) -> None:
    monkeypatch.setattr(Traffic, "lanes", lanes)
    came: list[str] = []

    def compared(*_: object) -> list[Compared]:
        came.append("compared")
        return []

    monkeypatch.setattr("app.views.rebuilding.making.compare", compared)
    await live(1, 40)

    rebuilt = views.rebuild()

    assert came == later
    assert [each.view for each in rebuilt.compared] == ([] if later else ALL)
