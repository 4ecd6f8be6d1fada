"""Which commits of a rebuild wait for the disk."""

from typing import TYPE_CHECKING, Any

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.session import open_session
from app.views.rebuilding.shadows import Shadow

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

IMPATIENT = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET idle_session_timeout = 1000', current_database());
END $$
"""
WHO_SAID = "SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'"


@pytest.mark.parametrize(("step", "hasty"), [("build", True), ("switch", False)])
async def test_what_can_be_made_anew_waits_for_no_disk_and_the_switch_does(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch, step: str, *, hasty: bool
) -> None:
    await live(1, 20)
    seen: list[TupleRow | None] = []
    plain = getattr(Shadow, step)

    def watched(shadow: Shadow, connection: Connection[TupleRow], what: Any) -> None:
        seen.append(connection.execute(WHO_SAID).fetchone())
        plain(shadow, connection, what)

    monkeypatch.setattr(Shadow, step, watched)

    views.rebuild()

    assert seen
    assert all((said == ("off", "client")) is hasty for said in seen)


def test_a_session_may_be_idle_for_as_long_as_others_work(
    dsn: str, admin: Connection[TupleRow]
) -> None:
    admin.execute(IMPATIENT)
    with open_session(dsn) as connection:
        assert connection.execute("SHOW idle_session_timeout").fetchone() == ("0",)
