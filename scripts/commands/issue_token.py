"""integrations token: prints a token, signed by the service's own key."""

import re
import time
from collections.abc import Sequence

import click

from app.settings import Settings, SettingsError, read_settings
from app.tokens.local_key import open_local_key
from app.tokens.principal import (
    MAX_NAME,
    MAX_SUBJECT,
    PERMISSIONS,
    RESOLVE,
    ROLES,
    plain_claim,
)
from app.tokens.recipient import decode_public
from scripts.commands.cli import run
from scripts.commands.operator_log import log_operation
from scripts.commands.option_types import WORKSPACE_ID, TextType

MAX_DAYS = 30
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
NO_RECIPIENT = (
    f"integrations: with {RESOLVE} and without --recipient no lease is granted: give the public key"
    " that `integrations worker-key FILE` prints."
)
DURATION = re.compile(r"([0-9]{1,6})([smhd])")


class Duration(click.ParamType[int]):
    """A time such as 90s, 15m, 1h or 30d, which is the longest: a token cannot be taken back."""

    name = "duration"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return *value* in seconds."""
        found = DURATION.fullmatch(str(value))
        if found is None:
            self.fail("write a number and s, m, h or d, such as 1h", param, ctx)
        seconds = int(found[1]) * SECONDS[found[2]]
        if not 0 < seconds <= MAX_DAYS * SECONDS["d"]:
            self.fail(f"a token lasts from 1s to {MAX_DAYS}d", param, ctx)
        return seconds


def plain_text(maximum: int) -> TextType:
    """Return the type of what goes into the log as the name of an actor."""

    def takes(value: str) -> bool:
        return (
            value == value.strip() and plain_claim({"claim": value}, "claim", maximum) is not None
        )

    description = f"1 to {maximum} characters that show, without blanks at the ends"
    return TextType("text", takes, description)


SUBJECT, ACTOR_NAME = plain_text(MAX_SUBJECT), plain_text(MAX_NAME)
RECIPIENT = TextType("key", decode_public, "what `integrations worker-key` prints")


permission_option = click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice(sorted(PERMISSIONS)),
    help="In place of a role; may be repeated.",
)


@click.command("token")
@click.option(
    "--workspace", type=WORKSPACE_ID, required=True, help="The workspace that the token is for."
)
@click.option("--role", type=click.Choice(sorted(ROLES)), help="ADMIN if not given.")
@permission_option
@click.option(
    "--subject",
    type=SUBJECT,
    default="cli",
    show_default=True,
    help="The user: the claim sub.",
)
@click.option(
    "--recipient", type=RECIPIENT, metavar="KEY", help="What `integrations worker-key` prints."
)
@click.option(
    "--ttl",
    type=Duration(),
    default="1h",
    show_default=True,
    help=f"How long it lasts, at most {MAX_DAYS}d.",
)
def token_command(  # noqa: PLR0913 — the options
    *,
    workspace: str,
    role: str | None,
    permissions: Sequence[str],
    subject: str,
    recipient: str | None,
    ttl: int,
) -> None:
    """Print a token, and nothing else; the log gets a line of who issued it, and for whom.

    It counts until it ends, unless the service's token key is replaced.
    """
    role, grants = choose_grants(role, permissions)
    with log_operation(
        "token", workspace=workspace, subject=subject, grants=grants, seconds=str(ttl)
    ):
        token = issue(
            read_settings(),
            workspace=workspace,
            subject=subject,
            ttl=ttl,
            role=role,
            permissions=permissions or None,
            recipient=recipient,
        )
    if RESOLVE in permissions and recipient is None:
        click.echo(NO_RECIPIENT, err=True)
    click.echo(token)


def choose_grants(role: str | None, permissions: Sequence[str]) -> tuple[str | None, str]:
    """Return the role, ADMIN if neither it nor *permissions* are given, and what the log says."""
    if role and permissions:
        message = "give a role or permissions, not both"
        raise click.UsageError(message)
    role = None if permissions else role or "ADMIN"
    return role, role or " ".join(sorted(set(permissions)))


def issue(  # noqa: PLR0913 — each is a claim of the token, named at the call
    settings: Settings,
    *,
    workspace: str,
    subject: str,
    ttl: int,
    name: str | None = None,
    role: str | None = None,
    permissions: Sequence[str] | None = None,
    recipient: str | None = None,
) -> str:
    """Return a token by the service's own key.

    Raises:
        SettingsError: a JWKS is configured, so that our own key is not trusted.
    """
    if settings.jwks is not None:
        message = "INTEGRATIONS_JWKS is set: tokens come from its issuer, not from here."
        raise SettingsError(message)
    return open_local_key(settings.data_dir).issue(
        workspace=workspace,
        subject=subject,
        ttl=ttl,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        now=time.time(),
        name=name,
        role=role,
        permissions=permissions,
        recipient=recipient,
    )


if __name__ == "__main__":
    run(token_command)
