"""integrations console: prints a link that signs in to the console, with the service's own key."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

import click

from app.database.availability import UnavailableError
from app.database.database import open_known_database
from app.database.pools import open_pool
from app.settings import Settings, SettingsError, http_url, read_settings
from app.sign_in.sign_in_codes import SignInCodes, sign_in_link
from app.startup_checks import require_console_origin
from app.tokens.principal import ROLES
from scripts.commands.cli import run
from scripts.commands.issue_token import (
    ACTOR_NAME,
    SUBJECT,
    choose_grants,
    issue,
    permission_option,
)
from scripts.commands.operator_log import log_operation
from scripts.commands.option_types import WORKSPACE_ID

TOKEN_SECONDS = 12 * 3600  # as long as a session may last
LINK_LIFETIME = timedelta(minutes=10)
NOTE = (
    "The link is for a service on {}: if yours listens elsewhere, set INTEGRATIONS_PORT for this"
    " command too."
)


@click.command("console")
@click.option("--workspace", type=WORKSPACE_ID, required=True, help="The workspace to show.")
@click.option(
    "--subject",
    type=SUBJECT,
    default="cli",
    show_default=True,
    help="Who signs in: the claim sub.",
)
@click.option("--name", type=ACTOR_NAME, help="The name that the history shows.")
@click.option("--role", type=click.Choice(sorted(ROLES)), help="ADMIN if not given.")
@permission_option
def console_command(
    *, workspace: str, subject: str, name: str | None, role: str | None, permissions: Sequence[str]
) -> None:
    """Print a link that signs in to the console: once, within 10 minutes, for 12 hours at most.

    The log gets a line of who printed it, and for whom.
    """
    role, grants = choose_grants(role, permissions)
    with log_link(workspace, subject, grants):
        settings = read_settings()
        require_own_tokens(settings)
        origin = console_origin(settings)
        token = issue(
            settings,
            workspace=workspace,
            subject=subject,
            name=name,
            role=role,
            permissions=permissions or None,
            ttl=TOKEN_SECONDS,
        )
        link = make_link(settings, origin, token)
    click.echo(link)
    if settings.console_origin is None:
        click.echo(NOTE.format(origin), err=True)


def log_link(workspace: str, subject: str, grants: str) -> AbstractContextManager[object]:
    """Return what writes the line about a link when its block ends."""
    seconds = f"{LINK_LIFETIME.total_seconds():.0f}"
    return log_operation(
        "console", workspace=workspace, subject=subject, grants=grants, seconds=seconds
    )


def require_own_tokens(settings: Settings) -> None:
    """Raise SettingsError if the service has no console, or trusts tokens of another issuer."""
    if settings.console == "off":
        message = "INTEGRATIONS_CONSOLE is off: there is no console to sign in to."
        raise SettingsError(message)
    if settings.jwks is not None:
        message = (
            "INTEGRATIONS_JWKS is set: let your platform ask for links (POST …/console-link), or"
            " sign in with a token of its issuer."
        )
        raise SettingsError(message)


def console_origin(settings: Settings) -> str:
    """Return where people open the console; raise SettingsError if that is not known."""
    require_console_origin(settings)
    if settings.console_origin is None and settings.port == 0:
        message = (
            "INTEGRATIONS_PORT is 0, so the address of the console is not known: set"
            " INTEGRATIONS_CONSOLE_ORIGIN to it."
        )
        raise SettingsError(message)
    return settings.console_origin or http_url(settings.host, settings.port)


def make_link(settings: Settings, origin: str, token: str) -> str:
    """Return a link to the console at *origin* that stands for *token*."""
    with open_known_database(settings) as dsn:
        try:
            code = asyncio.run(issue_code(dsn, token))
        except UnavailableError:
            message = "The database does not answer right now: try again."
            raise click.ClickException(message) from None
    return sign_in_link(origin, code)


async def issue_code(dsn: str, token: str) -> str:
    """Return a code for *token* that the database *dsn* knows."""
    async with open_pool(dsn, "integrations_command", size=1) as pool:
        return await SignInCodes(pool).issue(token, LINK_LIFETIME)


if __name__ == "__main__":
    run(console_command)
