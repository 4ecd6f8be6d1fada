"""integrations accesses: who could have had which credentials when, from the access journal."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

import click
import msgspec
from rich.text import Text

from app.access.access import Access
from app.access.views import AccessFilter, RecordedAccess, read_all
from app.database.database import open_known_database
from app.replay.filters import ReplayFilter
from app.replay.replay import open_log, require_known
from app.replay.table import TableWriter, cell
from app.settings import read_settings
from scripts.commands.cli import run
from scripts.commands.option_types import WORKSPACE_ID
from scripts.commands.point_in_time import TIME


@click.command("accesses")
@click.option("--workspace", type=WORKSPACE_ID, help="Only this workspace's.")
@click.option("--integration", help="Only this integration's.")
@click.option("--since", type=TIME, help="Only from this date or time on.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl"]),
    help="A table on a terminal, JSON Lines otherwise.",
)
def accesses_command(
    *,
    workspace: str | None,
    integration: str | None,
    since: datetime | None,
    format_: str | None,
) -> None:
    """Show who asked for which credentials, oldest first; a record a minute for the same."""
    wanted = AccessFilter(workspace=workspace, integration=integration, start=since)
    as_table = (format_ or ("table" if sys.stdout.isatty() else "jsonl")) == "table"
    selection = ReplayFilter(workspace=workspace, integration=integration)
    with open_known_database(read_settings()) as dsn, open_log(dsn) as connection:
        require_known(connection, selection)
        records = read_all(connection, wanted)
        print_table(records) if as_table else print_lines(records)


def print_lines(records: Iterable[RecordedAccess]) -> None:
    """Print *records* as JSON Lines, each with its position."""
    for record in records:
        line = {"position": record.position, **msgspec.to_builtins(record.access)}
        click.echo(msgspec.json.encode(line).decode())


def print_table(records: Iterable[RecordedAccess]) -> None:
    """Print *records*, a line each, as wide as the terminal."""
    TableWriter(sys.stdout, "accesses").write(access_row(record.access) for record in records)


def access_row(access: Access) -> Sequence[Text]:
    """Return the cells of a record."""
    versions = ", ".join(f"{field} {number}" for field, number in access.versions.items())
    return [
        cell(f"{access.at:%Y-%m-%d %H:%M}"), cell(access.workspace), cell(access.integration),
        cell(access.actor.sub), cell(access.outcome), cell(versions),
        cell(access.client_address or ""),
    ]  # fmt: skip


if __name__ == "__main__":
    run(accesses_command)
