"""integrations migrate: brings the schema up to this release, and nothing else."""

import click
import psycopg

from app.database.connection import require_primary
from app.database.database import open_database
from app.database.migrate import RELEASE, migrate
from app.settings import read_settings
from app.views.rebuild.versions import register_versions
from projections.registry import PROJECTIONS
from scripts.commands.cli import run


@click.command("migrate")
def migrate_command() -> None:
    """Set up or update the schema, the roles and their rights, as each start of the service does.

    For a deployment whose service may not: run it as an administrator of the database.
    """
    with open_database(read_settings()) as dsn:
        migrate(require_primary(dsn))
        with psycopg.connect(dsn, autocommit=True) as connection:
            register_versions(connection, PROJECTIONS.values())
    click.echo(f"The schema is that of release {RELEASE}.")


if __name__ == "__main__":
    run(migrate_command)
