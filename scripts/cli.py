"""The command `integrations`."""

import sys

import click

from app.database.embedded import EmbeddedServerError
from app.database.migrate import MigrationError
from app.providers.catalogue import ProviderFileError
from app.secrets.errors import SecretsError
from app.settings import SettingsError
from app.tokens.errors import TokenError
from scripts.serve import serve_command
from scripts.token import token_command

TOLD_IN_ONE_LINE = (
    SettingsError, EmbeddedServerError, MigrationError, ProviderFileError, SecretsError, TokenError
)  # fmt: skip


@click.group()
def commands() -> None:
    """Run and look after the Integration service; settings are INTEGRATIONS_* variables."""


commands.add_command(serve_command)
commands.add_command(token_command)


def main() -> None:
    """Run a command; what its user can mend ends it with one line and status 1."""
    try:
        commands()
    except TOLD_IN_ONE_LINE as error:
        click.echo(f"integrations: {error}", err=True)
        sys.exit(1)
