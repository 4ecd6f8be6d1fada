"""integrations serve: start, without set-up."""

from concurrent.futures import ThreadPoolExecutor

import click

from app.server import serve
from app.settings import Settings, read_settings
from scripts.commands.cli import run
from scripts.commands.console_link import TOKEN_SECONDS, log_link, make_link
from scripts.commands.issue_token import issue
from scripts.commands.operator_log import log_operation

WORKSPACE = SUBJECT = "demo"
LINK = """
Open  {link}
(once, within 10 minutes; another one: integrations console --workspace demo)
"""
REQUEST = """
Token (workspace demo, ADMIN, 12 h):
{token}

A first request:
curl -s {address}/en/api/integration -H 'Authorization: Bearer {token}'
"""


@click.command("serve")
@click.option("--welcome", is_flag=True, help="Print a link, a token and a first request, too.")
def serve_command(*, welcome: bool) -> None:
    """Start the service; stop it by Ctrl-C or SIGTERM."""
    settings = read_settings()

    def announce(address: str) -> None:
        click.echo(f"Listening on {address}")
        if welcome and settings.jwks is None:
            token = welcome_token(settings)
            if settings.console == "on":
                click.echo(LINK.format(link=welcome_link(settings, address, token)), nl=False)
            click.echo(REQUEST.format(address=address, token=token))

    serve(settings, announce)


def welcome_token(settings: Settings) -> str:
    """Return the token to try the service with."""
    ids = {"workspace": WORKSPACE, "subject": SUBJECT, "grants": "ADMIN"}
    with log_operation("token", **ids, seconds=str(TOKEN_SECONDS)):
        return issue(
            settings, workspace=WORKSPACE, role="ADMIN", subject=SUBJECT, ttl=TOKEN_SECONDS
        )


def welcome_link(settings: Settings, address: str, token: str) -> str:
    """Return the link to try the console with.

    In a thread of its own: this one may be running the event loop of the service.
    """
    origin = settings.console_origin or address
    with log_link(WORKSPACE, SUBJECT, "ADMIN"), ThreadPoolExecutor(1) as thread:
        return thread.submit(make_link, settings, origin, token).result()


if __name__ == "__main__":
    run(serve_command)
