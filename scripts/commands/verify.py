"""integrations verify: proves that the log was not edited."""

import asyncio
import sys
from pathlib import Path

import click

from app.audit.checkpoint import CheckpointKey, open_checkpoint_key
from app.audit.log_sections import StoredCheckpoint
from app.audit.verify import VerificationResult, external_checkpoint, verify, verify_scope
from app.database.database import open_database
from app.database.migrate import migrate
from app.progress import progress_bar
from app.settings import read_settings
from scripts.commands.cli import run


@click.command("verify")
@click.option("--workspace", help="Only this workspace's events.")
@click.option(
    "--checkpoint",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was stored elsewhere; the log must continue it.",
)
def verify_command(*, workspace: str | None, file: Path | None) -> None:
    """Prove the log; status 1 and the first bad position if it fails.

    Reads only; the service may run meanwhile.
    """
    settings = read_settings()
    key = open_checkpoint_key(settings.data_dir)
    scope = verify_scope(workspace, load_checkpoint(file, key))
    with open_database(settings) as dsn:
        migrate(dsn)
        with progress_bar() as report_progress:
            verified = asyncio.run(verify(dsn, key, scope, report_progress))
    if verified.first:
        click.echo(f"The log is not as it was: {verified.first}.")
        sys.exit(1)
    click.echo(summary(verified))


def load_checkpoint(file: Path | None, key: CheckpointKey) -> StoredCheckpoint | None:
    """Return the checkpoint in *file*, None for no file; raise NoteError."""
    return external_checkpoint(file.read_bytes(), key) if file else None


def summary(verified: VerificationResult) -> str:
    """Return in a sentence what agrees."""
    unsigned = f"; {verified.unsigned:,} are not signed yet" if verified.unsigned else ""
    return (
        f"{verified.events:,} events agree with {verified.checkpoints:,} checkpoints,"
        f" with all views and with the sealed secrets{unsigned}."
    )


if __name__ == "__main__":
    run(verify_command)
