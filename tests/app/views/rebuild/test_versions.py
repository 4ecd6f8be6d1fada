"""A view whose code has changed is noticed, and made again."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from app.views.rebuild.versions import outdated_projections
from projections.projection import Projection
from projections.registry import PROJECTIONS

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Live, Views


def louder(row: Any, envelope: Any) -> Any:
    """Evolve as the second version of the code does."""
    after = PROJECTIONS["integration_view"].evolve(row, envelope)
    return after and replace(after, name=after.name.upper())


async def test_a_new_version_of_the_code_is_noticed_and_built_without_comparing(
    live: "Live", views: "Views"
) -> None:
    await live(1, 40)
    old = PROJECTIONS["integration_view"]
    newer = [Projection(old.name, old.version + 1, old.row, louder)]
    names = views.admin.execute("SELECT name FROM integrations.integration_view").fetchall()
    assert outdated_projections(views.admin, newer) == ["integration_view"]

    rebuilt = views.rebuild(newer)

    assert rebuilt.tables == []
    loud = views.admin.execute("SELECT name FROM integrations.integration_view").fetchall()
    assert sorted(loud) == sorted((name.upper(),) for (name,) in names)
    assert outdated_projections(views.admin, newer) == []
    assert outdated_projections(views.admin, views.projections) == ["integration_view"]
