"""integrations audit-key: replaces the key that signs the log."""

import asyncio

import click
from psycopg import AsyncConnection
from psycopg.errors import InsufficientPrivilege

from app.audit.errors import CheckpointKeyError
from app.audit.key_rotation import rotate_audit_key
from app.audit.signed_note import Verifier
from app.database.database import open_known_database
from app.settings import Settings, read_settings
from scripts.commands.cli import confirm, run
from scripts.commands.operator_log import log_operation


@click.group("audit-key")
def audit_key_commands() -> None:
    """Look after the key that signs checkpoints of the log."""


@audit_key_commands.command("rotate")
@click.option(
    "--lost", is_flag=True, help="It is gone: begin with a new one that it does not vouch for."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def rotate_command(*, lost: bool, yes: bool) -> None:
    """Let a new key sign the log; checkpoints of the former one stay valid.

    The former key signs that its successor is the right one, so that a kept verifier key still
    verifies; a lost one cannot, and `verify` says so for ever. A running service takes the new key
    within half a minute; copy audit-key.pem to the other hosts.
    """
    if lost and not yes:
        confirm("Begin with a new key that the lost one does not vouch for?")
    with log_operation("audit-key rotate --lost" if lost else "audit-key rotate") as ids:
        verifier, position = asyncio.run(rotate(read_settings(), is_lost=lost))
        ids["verifier_key"] = str(verifier)
    click.echo(f"After position {position} the log is signed by this key, to be kept elsewhere:")
    click.echo(verifier)


async def rotate(settings: Settings, *, is_lost: bool) -> tuple[Verifier, int]:
    """Rotate the key of the database and the data directory that are set."""
    with open_known_database(settings) as dsn:
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            try:
                return await rotate_audit_key(connection, settings.data_dir, is_lost=is_lost)
            except InsufficientPrivilege:
                message = (
                    "This login may not replace the key: run the command with an"
                    " INTEGRATIONS_DATABASE_URL of the owner of the tables."
                )
                raise CheckpointKeyError(message) from None


if __name__ == "__main__":
    run(audit_key_commands)
