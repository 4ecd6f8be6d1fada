"""The command `integrations`."""

import sys
from importlib import import_module

import click

from app.crashes import leave_no_trace_of_values

COMMANDS = {
    "serve": "serve_command",
    "replay": "replay_command",
    "rebuild": "rebuild_command",
    "verify": "verify_command",
    "checkpoint": "checkpoint_command",
    "token": "token_command",
    "keys": "keys_commands",
}
"""In the module of scripts that is called like the command."""


class Commands(click.Group):
    """Imports a command when it is asked for: importing all takes longer than some run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click asks so
        """Return their names, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 — click asks so
        """Return the command *cmd_name*, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"scripts.{cmd_name}"), COMMANDS[cmd_name])
        assert isinstance(command, click.Command)  # noqa: S101 — COMMANDS says so
        return command


@click.group(cls=Commands)
def commands() -> None:
    """Run and look after the Integration service; settings are INTEGRATIONS_* variables."""


def main() -> None:
    """Run a command; what its user can mend ends it with one line and status 1."""
    leave_no_trace_of_values()
    try:
        commands()
    except Exception as error:
        from scripts.failures import TOLD_IN_ONE_LINE  # noqa: PLC0415 — imports almost everything

        if not isinstance(error, TOLD_IN_ONE_LINE):
            raise
        click.echo(f"integrations: {error}", err=True)
        sys.exit(1)
