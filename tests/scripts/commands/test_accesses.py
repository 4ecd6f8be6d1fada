"""integrations accesses: what its options take, and how the records are shown."""

import io
import re
import sys
from datetime import UTC, datetime
from typing import get_args

import psycopg
import pytest
from click.testing import CliRunner

from app.access.access import Access, Outcome
from app.access.views import RecordedAccess
from domain.envelope import Actor
from scripts.commands.accesses import print_table
from scripts.commands.cli import commands
from tests.support.service import environment_with, run_command

ID = "int_01kabcdefghjkmnpqrstvwxyz0"


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


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


def access(outcome: Outcome) -> Access:
    """A record whose texts are long."""
    return Access(
        workspace="a-workspace-with-a-long-name",
        integration=ID,
        at=datetime(2026, 11, 29, 9, tzinfo=UTC),
        actor=Actor(sub="auth0|5f7c8ec7c33c6c004bbafe82"),
        recipient=None,
        version=1,
        versions={"apiKey": 1, "apiSecret": 12},
        purpose=None,
        outcome=outcome,
        client_address="2001:db8::8a2e:370:7334",
        request_id=None,
    )


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_record_is_one_line_of_the_terminal_with_its_id_in_full(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "stdout", shown := Terminal())

    print_table(RecordedAccess(1, access(each)) for each in get_args(Outcome))

    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue()).splitlines()[1:]
    assert len(lines) == len(get_args(Outcome))
    assert all(ID in line and len(line) <= width for line in lines)
    assert all(each in line for each, line in zip(get_args(Outcome), lines, strict=True))


@pytest.fixture
def recorded(dsn: str) -> str:
    """A database with a record of the journal, and no event."""
    given = access("GRANTED")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            """
            INSERT INTO integrations.accesses
                (position, workspace_id, stream, actor_id, minute, grant_key, envelope)
            VALUES (1, %s, %s, 'a', date_trunc('minute', %s), %s, %s)
            """,
            (given.workspace, ID, given.at, given.grant_key, given.encode()),
        )
    return dsn


@pytest.mark.parametrize("command", ["accesses", "replay"])
@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (("--workspace", "demp"), "workspace 'demp'"),
        (("--integration", "int_1"), "integration 'int_1'"),
        (
            ("--workspace", "a-workspace-with-a-long-name", "--integration", "int_1"),
            "workspace 'a-workspace-with-a-long-name', integration 'int_1'",
        ),
    ],
)
def test_what_the_log_does_not_know_is_an_error(
    recorded: str, command: str, wanted: tuple[str, ...], named: str
) -> None:
    refused = run_command(environment_with(database_url=recorded), command, *wanted)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"integrations: The log has no {named}.\n"


def test_what_only_the_journal_knows_is_known(recorded: str) -> None:
    shown = run_command(environment_with(database_url=recorded), "accesses", "--integration", ID)

    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 1)
