"""integrations restore: fills an empty database and data directory from a backup, and verifies."""

from pathlib import Path

import click

from app.backup.key_files import KEYRING
from app.backup.manifest import Manifest
from app.backup.restore import restore
from app.operator_log import log_operation
from app.progress import progress_bar
from app.settings import Settings, read_settings
from scripts.commands.cli import run


@click.command("restore")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore_command(*, directory: Path) -> None:
    """Restore the backup in DIRECTORY into an empty database and data directory, and verify it.

    The database may be another than it was: embedded or given, of another PostgreSQL.
    """
    settings = read_settings()
    with log_operation("restore", directory=str(directory.absolute())) as ids:
        with progress_bar() as report_progress:
            restored = restore(settings, directory.absolute(), report_progress)
        ids["position"] = str(restored.position)
    click.echo(summary(restored, settings))


def summary(restored: Manifest, settings: Settings) -> str:
    """Return in a sentence or two what was restored, and what is still needed."""
    done = (
        f"Restored {restored.position:,} events and {len(restored.keys)} key files, and verified"
        " them."
    )
    if KEYRING in restored.files or not restored.keks:
        return done
    return (
        f"{done} The keyring was not in the backup: before you start the service, put the one with"
        f" {', '.join(restored.keks)} at {settings.keyring}."
    )


if __name__ == "__main__":
    run(restore_command)
