"""integrations restore: fills an empty database and data directory from a backup, and verifies."""

import asyncio
from pathlib import Path

import click

from app.backup.manifest import Manifest
from app.backup.restore import restore
from app.installation import find_kek_problems
from app.progress import progress_bar
from app.secrets.keyring_factory import VAULT_PREFIX
from app.settings import Settings, read_settings
from scripts.commands.cli import run
from scripts.commands.operator_log import log_operation


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
    click.echo(
        f"Restored {restored.position:,} events and {len(restored.keys)} key files, and verified"
        " them."
    )
    for problem in asyncio.run(find_keyring_problems(restored, settings)):
        click.echo(f"Before you start the service: {problem}; it was not in the backup.")


async def find_keyring_problems(restored: Manifest, settings: Settings) -> list[str]:
    """Return what the keyring lacks, which the backup may have left out; a start asks Vault."""
    if settings.keyring.startswith(VAULT_PREFIX) or not restored.keks:
        return []
    return await find_kek_problems(settings, (), restored.keks)


if __name__ == "__main__":
    run(restore_command)
