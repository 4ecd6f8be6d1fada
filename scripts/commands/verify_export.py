"""integrations verify-export: proves an exported log without database or service."""

import sys
from pathlib import Path
from typing import BinaryIO

import click

from app.audit.audit_keys import read_verifier_key
from app.audit.export import ExportError, ExportProof, log_name, verify_export
from app.audit.verify import unverified_checkpoint
from scripts.commands.cli import run

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify-export")
@click.argument("export", type=click.File("rb"), metavar="FILE")
@click.option(
    "--key",
    "key_file",
    type=FILE,
    required=True,
    help="The verifier key, from `checkpoint --key` or the API's checkpoint.",
)
@click.option(
    "--checkpoint", "note", type=FILE, help="A checkpoint that you kept; FILE must continue it."
)
def verify_export_command(*, export: BinaryIO, key_file: Path, note: Path | None) -> None:
    """Prove FILE, an export of a workspace's log; status 1 and the first bad position if it fails.

    It needs no database, service or setting. FILE may be - for standard input.
    """
    public_key = read_verifier_key(key_file)
    external = unverified_checkpoint(note.read_bytes()) if note else None
    try:
        proof = verify_export(export, public_key, external)
    except ExportError as error:
        click.echo(f"The export is not what was signed: {error}.")
        sys.exit(1)
    click.echo(summary(proof))


def summary(proof: ExportProof) -> str:
    """Return in a sentence what is proved."""
    unsigned = proof.events - proof.signed
    rest = f"; {unsigned:,} after that are not signed yet" if unsigned else ""
    return (
        f"{proof.signed:,} events of {log_name(proof.name)}, up to position {proof.position},"
        f" are as they were signed{rest}."
    )


if __name__ == "__main__":
    run(verify_export_command)
