"""A rebuild that cannot end leaves the old view serving, and the next one succeeds."""

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuild.rebuild import RebuildError
from app.views.rebuild.shadow_table import ShadowTable, open_session

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Live, Views

STAGES = {
    "filled": "ShadowTable.index_names",
    "indexed": "ShadowTable.analyze",
    "compared": "Rebuild.switch",
    "switched but not committed": "ShadowTable.switch",
}
PROGRAM = """
import os, signal, sys
from app.views.rebuild.rebuild import Rebuild, ShadowTable, rebuild, select_projections
name, method = sys.argv[2].split(".")
owner = {"Rebuild": Rebuild, "ShadowTable": ShadowTable}[name]
original = getattr(owner, method)
def killed(*arguments, **named):
    if owner is ShadowTable:
        original(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, method, killed)
rebuild(sys.argv[1], select_projections([]), lambda *_: None)
"""
IMPATIENT = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET idle_session_timeout = 1000', current_database());
END $$
"""
SET_HERE = "SELECT source = 'session' FROM pg_settings WHERE name = 'synchronous_commit'"


@pytest.mark.parametrize("method", STAGES.values(), ids=STAGES.keys())
async def test_killed_at_a_stage_it_leaves_the_old_view_and_runs_again(
    live: "Live", views: "Views", method: str
) -> None:
    await live(1, 60)
    views.admin.execute("UPDATE integrations.integration_view SET name = 'Old'")
    before = views.rows()

    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, views.dsn, method)

    assert await killed.wait() == -signal.SIGKILL
    await until_unlocked(views)
    assert views.rows() == before
    assert views.rebuild().differs
    assert not views.check().differs


async def until_unlocked(views: "Views") -> None:
    """Wait until the server has noticed that the process is gone."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'integrations_rebuild'"
        " AND datname = current_database()"
    )
    for _ in range(100):
        if views.admin.execute(others).fetchone() == (0,):
            return
        await asyncio.sleep(0.1)
    pytest.fail("the server has not noticed")


async def test_a_reader_that_never_ends_stops_the_switch_and_not_the_service(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.views.rebuild.rebuild.LOCK_TIMEOUTS", (0.05, 0.05))
    await live(1, 40)
    with psycopg.connect(views.dsn) as reader:
        reader.execute("SELECT count(*) FROM integrations.integration_view")
        with pytest.raises(RebuildError, match="Somebody keeps a view locked"):
            views.rebuild()
        await live(2, 20)
    await live(3, 20)

    assert not views.rebuild().differs
    assert not views.check().differs


async def test_events_of_a_switch_that_failed_are_applied_by_the_next(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(1, 40)
    loop = asyncio.get_running_loop()
    with psycopg.connect(views.dsn) as reader:
        reader.execute("SELECT count(*) FROM integrations.integration_view")

        def end_reading(_: float) -> None:
            reader.rollback()

        def write(step: str, *_: object) -> None:
            if step == "Comparing":
                asyncio.run_coroutine_threadsafe(live(2, 20), loop).result()

        monkeypatch.setattr("app.views.rebuild.rebuild.time.sleep", end_reading)
        await asyncio.to_thread(views.rebuild, progress=write)

    assert not views.check().differs


@pytest.mark.parametrize(("step", "is_relaxed"), [("build_index", True), ("switch", False)])
async def test_only_the_switch_waits_for_the_disk(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch, step: str, *, is_relaxed: bool
) -> None:
    await live(1, 20)
    seen: list[TupleRow | None] = []
    original = getattr(ShadowTable, step)

    def watched(shadow: ShadowTable, argument: object) -> None:
        seen.append(shadow.connection.execute(SET_HERE).fetchone())
        original(shadow, argument)

    monkeypatch.setattr(ShadowTable, step, watched)
    views.rebuild()

    assert set(seen) == {(is_relaxed,)}


def test_a_session_may_be_idle_for_long(dsn: str, admin: Connection[TupleRow]) -> None:
    admin.execute(IMPATIENT)
    with open_session(dsn) as connection:
        assert connection.execute("SHOW idle_session_timeout").fetchone() == ("0",)
