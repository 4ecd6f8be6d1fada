"""integrations verify: proves that the log was not edited."""

import asyncio
import sys
from pathlib import Path

import click

from app.audit.audit_keys import AuditKeys, read_verifier_key
from app.audit.checkpoint import open_checkpoint_key
from app.audit.log_sections import StoredCheckpoint, VerifyScope
from app.audit.verify import (
    UnknownWorkspaceError,
    VerificationResult,
    external_checkpoint,
    verify,
    verify_scope,
)
from app.database.database import open_database
from app.database.migrate import migrate
from app.installation import require_audit_key
from app.progress import progress_bar
from app.settings import Settings, read_settings
from scripts.commands.cli import run

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify")
@click.option("--workspace", help="Only this workspace's events.")
@click.option(
    "--checkpoint",
    "file",
    type=FILE,
    help="A checkpoint that was stored elsewhere; the log must continue it.",
)
@click.option(
    "--key",
    "key_file",
    type=FILE,
    help="The verifier key that `checkpoint --key` printed; no other key file is read.",
)
def verify_command(*, workspace: str | None, file: Path | None, key_file: Path | None) -> None:
    """Prove the log; status 1 and the first bad position if it fails.

    Reads only; the service may run meanwhile. Status 2 if there is no such workspace.
    """
    settings = read_settings()
    keys = load_keys(settings, key_file)
    try:
        scope = verify_scope(workspace, load_checkpoint(file, keys))
        verified = run_verification(settings, keys, scope, own_key=key_file is None)
    except UnknownWorkspaceError as error:
        click.echo(f"integrations: {error}", err=True)
        sys.exit(2)
    if verified.first:
        click.echo(f"The log is not as it was: {verified.first}.")
        sys.exit(1)
    click.echo(summary(verified))


def load_keys(settings: Settings, file: Path | None) -> AuditKeys:
    """Return the key in *file*, else that of the data directory."""
    if file is not None:
        return read_verifier_key(file)
    return AuditKeys(open_checkpoint_key(settings.data_dir).public_key)


def load_checkpoint(file: Path | None, keys: AuditKeys) -> StoredCheckpoint | None:
    """Return the checkpoint in *file*, None for no file; raise NoteError."""
    return external_checkpoint(file.read_bytes(), keys) if file else None


def run_verification(
    settings: Settings, keys: AuditKeys, scope: VerifyScope, *, own_key: bool
) -> VerificationResult:
    """Verify the database of *settings*, with a progress bar; *own_key*: by this host's key."""
    with open_database(settings) as dsn:
        migrate(dsn)
        if own_key:
            asyncio.run(require_audit_key(dsn, settings))
        with progress_bar() as report_progress:
            return asyncio.run(verify(dsn, keys, scope, report_progress))


def summary(verified: VerificationResult) -> str:
    """Return in a sentence what agrees."""
    unsigned = f"; {verified.unsigned:,} are not signed yet" if verified.unsigned else ""
    return (
        f"{verified.events:,} events agree with {verified.checkpoints:,} checkpoints,"
        f" with all views and with the commitments of stored secrets{unsigned};"
        " no key was opened, see integrations keys verify."
    )


if __name__ == "__main__":
    run(verify_command)
