"""integrations verify: proves that the log was not edited."""

import asyncio
import sys
from pathlib import Path

import click

from app.audit.audit_keys import read_verifier_key
from app.audit.checkpoint import open_checkpoint_key
from app.audit.verify import (
    UnknownWorkspaceError,
    VerificationResult,
    external_checkpoint,
    read_audit_keys,
    verify,
    verify_scope,
)
from app.database.database import open_known_database
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
    try:
        verified = run_verification(read_settings(), workspace, file, key_file)
    except UnknownWorkspaceError as error:
        click.echo(f"integrations: {error}", err=True)
        sys.exit(2)
    if verified.first:
        click.echo(f"The log is not as it was: {verified.first}.")
        sys.exit(1)
    click.echo(summary(verified))
    for position in verified.lost_after:
        click.echo(
            f"After position {position} begins what another key signs: the one before was lost, and"
            " did not vouch for it. Compare with a checkpoint that you kept: verify --checkpoint."
        )


def run_verification(
    settings: Settings, workspace: str | None, file: Path | None, key_file: Path | None
) -> VerificationResult:
    """Verify the database of *settings*, with a progress bar; as `verify_command` has it."""
    trusted = read_verifier_key(key_file) if key_file else own_key(settings)
    with open_known_database(settings) as dsn:
        if key_file is None:
            asyncio.run(require_audit_key(dsn, settings))
        keys = asyncio.run(read_audit_keys(dsn, trusted))
        external = external_checkpoint(file.read_bytes(), keys) if file else None
        with progress_bar() as report_progress:
            return asyncio.run(
                verify(dsn, keys, verify_scope(workspace, external), report_progress)
            )


def own_key(settings: Settings) -> bytes:
    """Return the public half of this host's key."""
    return open_checkpoint_key(settings.data_dir).public_key


def summary(verified: VerificationResult) -> str:
    """Return in a sentence what agrees."""
    unsigned = f"; {verified.unsigned:,} are not signed yet" if verified.unsigned else ""
    views = ", with all views" if verified.views_compared else ""
    standby = "" if verified.views_compared else " (the views are compared on the primary only)"
    return (
        f"{verified.events:,} events agree with {verified.checkpoints:,} checkpoints{views}"
        f" and with the commitments of stored secrets{standby}{unsigned};"
        " no key was opened, see integrations keys verify."
    )


if __name__ == "__main__":
    run(verify_command)
