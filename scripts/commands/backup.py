"""integrations backup: copies the database and the keys, while the service runs."""

from pathlib import Path

import click

from app.backup.backup import back_up
from app.backup.key_files import KEYRING
from app.backup.manifest import Manifest
from app.database.database import open_known_database
from app.progress import progress_bar
from app.settings import Settings, read_settings
from scripts.commands.cli import run
from scripts.commands.operator_log import log_operation

KEYRING_WARNING = (
    "integrations: this backup holds the keyring: who reads it has every secret. Encrypt it."
)


@click.command("backup")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--with-keyring", is_flag=True, help="Add the keyring: the backup then opens all secrets."
)
def backup_command(*, directory: Path, with_keyring: bool) -> None:
    """Back up the database and the keys into DIRECTORY, which must be new or empty.

    The service may run meanwhile: all that was answered before the command began is in the backup.
    """
    settings = read_settings()
    command = "backup --with-keyring" if with_keyring else "backup"
    with log_operation(command, directory=str(directory.absolute())) as ids:
        with open_known_database(settings) as dsn, progress_bar() as report_progress:
            made = back_up(
                settings, dsn, directory.absolute(), report_progress, with_keyring=with_keyring
            )
        ids["position"] = str(made.position)
    if with_keyring:
        click.echo(KEYRING_WARNING, err=True)
    click.echo(summary(made, directory, settings))


def summary(made: Manifest, directory: Path, settings: Settings) -> str:
    """Return in a sentence or two what is in the backup, and what is not."""
    done = (
        f"Backed up {made.position:,} events and {len(made.keys)} key files to {directory}"
        f" ({made.size / 1e6:,.1f} MB)."
    )
    if KEYRING in made.files or not made.keks:
        return done
    return f"{done} It needs {', '.join(made.keks)} of {settings.keyring}: keep a copy."


if __name__ == "__main__":
    run(backup_command)
