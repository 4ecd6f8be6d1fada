"""The command `integrations`."""

import sys

import click

from app.audit.errors import AuditError
from app.crashes import leave_no_trace_of_values
from app.database.embedded import EmbeddedServerError
from app.database.migrate import MigrationError
from app.log.follow import LogDamagedError
from app.providers.errors import ProviderFileError
from app.replay.replay import NoLogError
from app.secrets.errors import SecretsError
from app.secrets.transit import KeyringAwayError
from app.settings import SettingsError
from app.tokens.errors import TokenError
from app.views.rebuilding.rebuild import RebuildError
from scripts.checkpoint import checkpoint_command
from scripts.keys import keys_commands
from scripts.rebuild import rebuild_command
from scripts.replay import replay_command
from scripts.serve import serve_command
from scripts.token import token_command
from scripts.verify import verify_command

TOLD_IN_ONE_LINE = (
    SettingsError, EmbeddedServerError, MigrationError, ProviderFileError, SecretsError, TokenError,
    KeyringAwayError, NoLogError, LogDamagedError, RebuildError, AuditError,
)  # fmt: skip


@click.group()
def commands() -> None:
    """Run and look after the Integration service; settings are INTEGRATIONS_* variables."""


commands.add_command(serve_command)
commands.add_command(replay_command)
commands.add_command(rebuild_command)
commands.add_command(verify_command)
commands.add_command(checkpoint_command)
commands.add_command(token_command)
commands.add_command(keys_commands)


def main() -> None:
    """Run a command; what its user can mend ends it with one line and status 1."""
    leave_no_trace_of_values()
    try:
        commands()
    except TOLD_IN_ONE_LINE as error:
        click.echo(f"integrations: {error}", err=True)
        sys.exit(1)
