"""integrations accesses: what its options take, and how the records are shown."""

import pytest
from click.testing import CliRunner

from scripts.commands.cli import commands

NO_TIME = ("yesterday", "30d", "2026-11", "1200", "\u00b2", "", "9999-12-31T23:59:59-10:00")


@pytest.mark.parametrize("value", NO_TIME)
def test_since_takes_a_time_alone_and_says_how_to_write_one(value: str) -> None:
    refused = CliRunner().invoke(commands, ["accesses", "--since", value])

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Invalid value for '--since': write a date or a time, such as" in refused.stderr


@pytest.mark.parametrize("option", ["--from", "--to", "--as-of"])
@pytest.mark.parametrize("value", [each for each in NO_TIME if each != "1200"])
def test_replay_takes_a_position_or_a_time_and_says_how_to_write_them(
    option: str, value: str
) -> None:
    refused = CliRunner().invoke(commands, ["replay", option, value])

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"Invalid value for '{option}': write a position such as" in refused.stderr
