"""integrations rebuild: makes the views anew from the log, while the service runs."""

import sys
from collections.abc import Sequence

import click
import psycopg

from app.database.database import database
from app.database.migrate import migrate
from app.progress import progress_bar
from app.settings import read_settings
from app.views.rebuilding.comparing import SHOWN, Compared
from app.views.rebuilding.folding import Catalogue
from app.views.rebuilding.rebuild import Rebuilt, check, chosen, rebuild
from app.views.rebuilding.versions import adopt_versions
from scripts.commands.cli import run as run_command


@click.command("rebuild")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--check", "only_check", is_flag=True, help="Only compare; status 1 where they differ."
)
def rebuild_command(*, names: Sequence[str], only_check: bool) -> None:
    """Make the views NAME, or all of them, anew from the log; reads and writes go on.

    Where a view was not as the log says, the first keys that differ are printed.
    """
    catalogue = chosen(names)
    rebuilt = run(catalogue, only_check=only_check)
    for compared in rebuilt.compared:
        tell_differences(compared)
    named = ", ".join(view.name for view in catalogue.views)
    done = "Compared" if only_check else "Rebuilt"
    click.echo(f"{done} {named} from {rebuilt.events:,} events.")
    sys.exit(1 if only_check and rebuilt.differs else 0)


def run(catalogue: Catalogue, *, only_check: bool) -> Rebuilt:
    """Rebuild or check on the database that is set, brought up to date."""
    with database(read_settings()) as dsn:
        migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            adopt_versions(connection, catalogue.views)
        with progress_bar() as tell:
            return (check if only_check else rebuild)(dsn, catalogue, tell)


def tell_differences(compared: Compared) -> None:
    """Print how many rows of a view differ, and the first of them."""
    if compared.amount:
        click.echo(f"{compared.view}: {compared.amount:,} rows were not as the log says")
    for difference in compared.first:
        click.echo(f"  {difference}")
    if compared.amount > SHOWN:
        click.echo(f"  and {compared.amount - SHOWN:,} more")


if __name__ == "__main__":
    run_command(rebuild_command)
