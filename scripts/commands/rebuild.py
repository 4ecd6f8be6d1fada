"""integrations rebuild: rebuilds the views from the log, while the service runs."""

import sys
from collections.abc import Sequence
from typing import Any

import click
import psycopg

from app.database.database import open_known_database
from app.progress import progress_bar
from app.settings import read_settings
from app.views.rebuild.comparison import (
    MAX_SHOWN,
    LogComparison,
    TableComparison,
    compare_with_log,
)
from app.views.rebuild.rebuild import rebuild, select_projections
from app.views.rebuild.versions import register_versions
from projections.projection import Projection
from scripts.commands.cli import run as run_command


@click.command("rebuild")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--check", "only_check", is_flag=True, help="Only compare; status 1 if something differs."
)
def rebuild_command(*, names: Sequence[str], only_check: bool) -> None:
    """Rebuild the views NAME, or all of them, from the log; reads and writes continue.

    If a view was not as the log says, the first keys that differ are printed.
    """
    projections = select_projections(names)
    compared = run(projections, only_check=only_check)
    for table in compared.tables:
        print_differences(table)
    views = ", ".join(projection.name for projection in projections)
    done = "Compared" if only_check else "Rebuilt"
    click.echo(f"{done} {views} from {compared.events:,} events.")
    sys.exit(1 if only_check and compared.differs else 0)


def run(projections: Sequence[Projection[Any]], *, only_check: bool) -> LogComparison:
    """Rebuild or compare on the database of the settings."""
    with open_known_database(read_settings()) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            register_versions(connection, projections)
        with progress_bar() as progress:
            return (compare_with_log if only_check else rebuild)(dsn, projections, progress)


def print_differences(table: TableComparison) -> None:
    """Print how many rows of a table differ, and the first of them."""
    if table.count:
        click.echo(f"{table.table}: {table.count:,} rows were not as the log says")
    for difference in table.first:
        click.echo(f"  {difference}")
    if table.count > MAX_SHOWN:
        click.echo(f"  and {table.count - MAX_SHOWN:,} more")


if __name__ == "__main__":
    run_command(rebuild_command)
