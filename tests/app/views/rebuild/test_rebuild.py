"""A rebuilt view is the live one, and the service goes on with it."""

import asyncio
import re
import subprocess
from itertools import count
from typing import TYPE_CHECKING

import pytest

from app.event_store.log_range import LogCorruptedError
from app.views.rebuild.rebuild import RebuildError, select_projections

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Command, Live, Views
    from tests.conftest import OnTerminal

COLOURS = r"\x1b\[[0-9;?]*[A-Za-z]"


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_history_the_rebuilt_views_are_the_live_ones(
    live: "Live", seed: int, views: "Views"
) -> None:
    await live(seed, 150)
    before = views.rows()
    assert all(before.values())

    assert not views.check().differs
    rebuilt = views.rebuild()

    assert not rebuilt.differs
    assert [table.table for table in rebuilt.tables] == [*before]
    assert rebuilt.events == events_in(views)
    assert views.rows() == before


async def test_a_service_that_writes_and_reads_goes_on_after_the_switch(
    live: "Live", views: "Views"
) -> None:
    await live(1, 60)
    views.rebuild()
    await live(2, 60)
    views.rebuild()
    await live(3, 60)

    assert not views.check().differs


async def test_what_is_written_meanwhile_is_caught_up_with(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.views.rebuild.rebuild.MAX_CATCH_UP_UNDER_LOCK", 10)
    monkeypatch.setattr("app.views.rebuild.fill.CHUNK_SIZE", 20)
    await live(1, 60)
    loop = asyncio.get_running_loop()
    seeds = count(2)

    def write(_: str, __: int, ___: int) -> None:
        asyncio.run_coroutine_threadsafe(live(next(seeds), 30), loop).result()

    rebuilt = await asyncio.to_thread(views.rebuild, progress=write)

    assert next(seeds) > 6
    assert not rebuilt.differs
    assert not views.check().differs


def events_in(views: "Views") -> int:
    """Return how many events the log has."""
    [(amount,)] = views.admin.execute("SELECT count(*) FROM integrations.events").fetchall()
    return amount


def test_an_empty_log_is_rebuilt_too(views: "Views") -> None:
    assert views.rebuild().events == 0
    assert not any(views.rows().values())


async def test_one_view_alone_can_be_rebuilt(live: "Live", views: "Views") -> None:
    await live(1, 20)
    before = views.rows()
    views.admin.execute("DELETE FROM integrations.integration_view")

    views.rebuild(select_projections(["integration_view"]))
    assert views.rows() == before


def test_an_unknown_view_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(RebuildError, match=r"no view events; there are integration_view"):
        select_projections(["events", "integration_view"])


async def test_a_hole_in_the_log_stops_the_rebuild_and_the_old_rows_stay(
    live: "Live", views: "Views"
) -> None:
    await live(1, 20)
    before = views.rows()
    views.admin.execute("SET session_replication_role = replica")
    views.admin.execute("DELETE FROM integrations.events WHERE position = 3")

    with pytest.raises(LogCorruptedError, match="damaged"):
        views.rebuild()

    assert views.rows() == before


async def test_a_row_of_the_log_that_holds_two_events_is_refused_and_no_event_gets_a_wrong_place(
    live: "Live", views: "Views"
) -> None:
    await live(1, 100)
    before = views.rows()
    views.admin.execute("SET session_replication_role = replica")
    views.admin.execute(
        "UPDATE integrations.events SET envelope = envelope || ',' || envelope WHERE position = 3"
    )

    with pytest.raises(LogCorruptedError, match=r"damaged: \d+ rows .* hold \d+ events"):
        views.rebuild()

    assert views.rows() == before


async def test_on_a_terminal_its_steps_are_shown_with_amounts_and_times(
    live: "Live", command: "Command", on_terminal: "OnTerminal"
) -> None:
    await live(1, 20)

    shown = on_terminal(command("rebuild"))

    for step in ("Reading the log", "Building indexes", "Switching"):
        assert step in shown
    assert re.search(r"Switching .* 1/1 .* 0:00:\d\d +0:00:00", re.sub(COLOURS, "", shown))


async def test_while_one_runs_a_second_is_refused_with_status_1(
    live: "Live", command: "Command", views: "Views"
) -> None:
    await live(1, 20)
    second: list[subprocess.CompletedProcess[str]] = []

    def start_another(step: str, *_: object) -> None:
        if step == "Comparing" and not second:
            second.append(
                subprocess.run(
                    command("rebuild"), check=False, capture_output=True, text=True, timeout=60
                )
            )

    views.rebuild(progress=start_another)

    assert second[0].returncode == 1
    assert second[0].stderr == ("integrations: A rebuild is running already; wait for its end.\n")
