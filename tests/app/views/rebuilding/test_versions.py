"""A view whose code has changed is noticed, and made anew."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from app.views.rebuilding.folding import Catalogue
from app.views.rebuilding.versions import outdated
from projections.history import history
from projections.projection import Projection
from projections.registry import PROJECTIONS

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views


def louder(row: Any, envelope: Any) -> Any:
    """Evolve as the second version of the code does."""
    after = PROJECTIONS["integration_view"].evolve(row, envelope)
    return after and replace(after, name=after.name.upper())


async def test_a_new_version_of_the_code_is_noticed_and_built_without_comparing(
    live: "Live", views: "Views"
) -> None:
    await live(1, 40)
    old = PROJECTIONS["integration_view"]
    newer = Catalogue((Projection(old.name, 2, old.row, louder),), views.catalogue.journals)
    names = views.admin.execute("SELECT name FROM integrations.integration_view").fetchall()
    assert outdated(views.admin, newer.views) == ["integration_view"]

    rebuilt = views.rebuild(newer)

    assert [compared.view for compared in rebuilt.compared] == [*history.tables]
    loud = views.admin.execute("SELECT name FROM integrations.integration_view").fetchall()
    assert sorted(loud) == sorted((name.upper(),) for (name,) in names)
    assert outdated(views.admin, newer.views) == []
    assert outdated(views.admin, views.catalogue.views) == ["integration_view"]
