"""integrations checkpoint: prints the newest checkpoint, to be stored elsewhere."""

import asyncio

import click

from app.audit.checkpoint import WHOLE_LOG, open_checkpoint_key
from app.audit.verify import latest_note
from app.database.database import open_known_database
from app.replay.filters import ReplayFilter
from app.replay.replay import open_log, require_known
from app.settings import read_settings
from scripts.commands.cli import run


@click.command("checkpoint")
@click.option("--workspace", help="Of this workspace; else of the whole log.")
@click.option("--key", "wants_key", is_flag=True, help="Print the verifier key instead.")
def checkpoint_command(*, workspace: str | None, wants_key: bool) -> None:
    """Print the newest signed checkpoint of the log, for `verify --checkpoint`.

    Status 2 if there is no such workspace.
    """
    name = WHOLE_LOG if workspace is None else workspace
    settings = read_settings()
    key = open_checkpoint_key(settings.data_dir)
    if wants_key:
        click.echo(str(key.signer(name).verifier))
        return
    with open_known_database(settings) as dsn:
        if workspace is not None:
            with open_log(dsn) as connection:
                require_known(connection, ReplayFilter(workspace=workspace))
        click.echo(asyncio.run(latest_note(dsn, name)), nl=False)


if __name__ == "__main__":
    run(checkpoint_command)
