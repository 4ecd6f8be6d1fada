"""A row that is not as the log says is told by its key, and healed."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.views.rebuild.comparison import MAX_SHOWN, LogComparison

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Command, Live, Views

ROOT = Path(__file__).parents[4]
PLACES = "SELECT ctid, xmin, counts FROM integrations.integration_counts AS counts ORDER BY counts"


def differences_in(rebuilt: LogComparison) -> list[str]:
    """Return what is told of each difference."""
    return [str(each) for table in rebuilt.tables for each in table.first]


BREAKS = {
    "UPDATE integrations.integration_view SET name = 'Wrong', is_active = NOT is_active WHERE "
    "(workspace_id, id) = (%s, %s)": "integration_view: {} {} has other is_active, name",
    "DELETE FROM integrations.integration_view WHERE "
    "(workspace_id, id) = (%s, %s)": "integration_view: {} {} is missing",
    "UPDATE integrations.integration_view SET id = 'int_x' WHERE "
    "(workspace_id, id) = (%s, %s)": "integration_view: {0} int_x is not in the log",
}


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_row_that_is_not_as_the_log_says_is_told_by_its_key_and_healed(
    live: "Live", broken: Any, views: "Views"
) -> None:
    await live(2, 1)
    before = views.rows()
    key = views.admin.execute("SELECT workspace_id, stream FROM integrations.events").fetchone()
    assert key is not None
    views.admin.execute(broken, key)

    told = differences_in(views.check())

    assert BREAKS[broken].format(*key) in told
    assert not any("Wrong" in line for line in told)
    assert views.rows() != before
    assert differences_in(views.rebuild()) == told
    assert views.rows() == before


async def test_the_command_prints_what_differs_and_the_script_by_path_heals_it(
    live: "Live", command: "Command", views: "Views"
) -> None:
    await live(2, 1)
    views.admin.execute("UPDATE integrations.integration_view SET name = 'Wrong'")

    checked = run(command("rebuild", "--check"))
    healed = run([ROOT / "scripts" / "rebuild_projections.py"], DATABASE_URL=views.dsn)
    again = run(command("rebuild", "--check"))

    assert (checked.returncode, healed.returncode, again.returncode) == (1, 0, 0)
    for told in (checked.stdout, healed.stdout):
        assert "integration_view: 1 rows were not as the log says\n" in told
        assert " has other name\n" in told
        assert "Wrong" not in told
    assert again.stdout == "Compared integration_view, channel_default_view from 1 events.\n"


def run(words: Sequence[str | Path], **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    environment = {**os.environ, **{f"INTEGRATIONS_{name}": value for name, value in more.items()}}
    return subprocess.run(
        words, env=environment, check=False, capture_output=True, text=True, timeout=60
    )


async def test_a_wrong_count_is_told_and_healed(live: "Live", views: "Views") -> None:
    await live(2, 1)
    views.admin.execute("UPDATE integrations.integration_counts SET amount = 7")

    [told] = differences_in(views.rebuild())

    assert re.fullmatch(r"integration_counts: .* SENDGRID true has other amount", told)
    assert not views.check().differs


async def test_counts_of_a_view_that_was_wrong_itself_are_made_again(
    live: "Live", views: "Views"
) -> None:
    await live(2, 1)
    views.admin.execute("UPDATE integrations.integration_view SET is_active = NOT is_active")
    views.admin.execute("SELECT integrations.recount()")

    [told] = differences_in(views.rebuild())

    assert told.endswith(" has other is_active")
    assert not views.check().differs


async def test_counts_that_hold_are_left_alone_while_writers_wait(
    live: "Live", views: "Views"
) -> None:
    await live(1, 60)
    places = views.admin.execute(PLACES).fetchall()

    views.rebuild()

    assert views.admin.execute(PLACES).fetchall() == places


async def test_of_many_differences_the_first_are_told_and_all_are_counted(
    live: "Live", views: "Views"
) -> None:
    await live(1, 300)
    changed = views.admin.execute(
        "UPDATE integrations.integration_view SET name = name || 'Wrong'"
    ).rowcount
    assert changed > MAX_SHOWN

    by_table = {each.table: each for each in views.check().tables}
    assert by_table["integration_view"].count == changed
    assert len(by_table["integration_view"].first) == MAX_SHOWN
