"""The command `integrations`."""

import sys
from importlib import import_module

import click

from app.crash_output import redact_crash_output

COMMANDS = {
    "serve": ("serve", "serve_command"),
    "doctor": ("doctor", "doctor_command"),
    "migrate": ("migrate", "migrate_command"),
    "replay": ("replay", "replay_command"),
    "rebuild": ("rebuild", "rebuild_command"),
    "verify": ("verify", "verify_command"),
    "verify-export": ("verify_export", "verify_export_command"),
    "checkpoint": ("checkpoint", "checkpoint_command"),
    "backup": ("backup", "backup_command"),
    "restore": ("restore", "restore_command"),
    "token": ("issue_token", "token_command"),
    "console": ("console_link", "console_command"),
    "accesses": ("accesses", "accesses_command"),
    "worker-key": ("lease_keys", "worker_key_command"),
    "lease-key": ("lease_keys", "lease_key_command"),
    "audit-key": ("audit_key", "audit_key_commands"),
    "keys": ("keys", "keys_commands"),
}
"""The module and the function of each command."""


class Commands(click.Group):
    """Imports a command only when it runs: to import all takes longer than some commands run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's signature
        """Return the names of all commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 — click's signature
        """Return the command *cmd_name*, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        command = getattr(import_module(f"scripts.commands.{module}"), function)
        assert isinstance(command, click.Command)  # noqa: S101 — COMMANDS says so
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with; a typo gets a hint, as in click's groups."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="integrations", message="integrations %(version)s")
def commands() -> None:
    """Run and operate the Integration service; settings are INTEGRATIONS_* variables."""


def confirm(question: str) -> None:
    """Ask *question*; raise ClickException, which ends with status 1, if the answer is not yes."""
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        click.echo(err=True)  # if nobody answers, the question ends no line
        message = "nothing was done: answer y, or give --yes"
        raise click.ClickException(message) from None


def main() -> None:
    """Run `integrations`."""
    run(commands)


def run(command: click.Command) -> None:
    """Run *command*; an error that its user can correct ends it with one line and status 1.

    Status 2 if the log has no such workspace or integration.
    """
    redact_crash_output()
    if not is_utf_8(sys.argv):  # no log line and no query can hold it
        sys.exit("integrations: an argument is not UTF-8")
    try:
        command()
    except Exception as error:
        from scripts.commands.user_errors import (  # noqa: PLC0415 — imports almost all
            USER_ERRORS,
            UnknownSelectionError,
        )

        if not isinstance(error, USER_ERRORS):
            raise
        click.echo(f"integrations: {error}", err=True)
        sys.exit(2 if isinstance(error, UnknownSelectionError) else 1)


def is_utf_8(arguments: list[str]) -> bool:
    """Return whether *arguments* are UTF-8."""
    try:
        return bool("".join(arguments).encode())
    except UnicodeEncodeError:
        return False


if __name__ == "__main__":
    main()
