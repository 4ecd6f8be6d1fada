"""integrations serve: start, without set-up."""

import click

from app.server import serve
from app.settings import Settings, read_settings
from scripts.commands.cli import run
from scripts.commands.issue_token import issue
from scripts.commands.operator_log import log_operation

WELCOME = """
Token (workspace demo, ADMIN, 12 h):
{token}

A first request:
curl -s {address}/en/api/integration -H 'Authorization: Bearer {token}'
"""


@click.command("serve")
@click.option("--welcome", is_flag=True, help="Print a token and a first request, too.")
def serve_command(*, welcome: bool) -> None:
    """Start the service; stop it by Ctrl-C or SIGTERM."""
    settings = read_settings()

    def announce(address: str) -> None:
        click.echo(f"Listening on {address}")
        if welcome and settings.jwks is None:
            click.echo(WELCOME.format(address=address, token=welcome_token(settings)))

    serve(settings, announce)


def welcome_token(settings: Settings) -> str:
    """Return the token to try the service with."""
    ttl = 12 * 3600
    with log_operation("token", workspace="demo", subject="demo", grants="ADMIN", seconds=str(ttl)):
        return issue(settings, workspace="demo", role="ADMIN", subject="demo", ttl=ttl)


if __name__ == "__main__":
    run(serve_command)
