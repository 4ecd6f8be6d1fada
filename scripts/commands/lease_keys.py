"""integrations worker-key, lease-key: the keys that leases are sealed to and signed with."""

from pathlib import Path

import click
import msgspec

from app.secrets.lease_key import open_lease_key
from app.settings import read_settings
from app.tokens.worker_key import open_worker_key
from scripts.commands.cli import run


@click.command("worker-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def worker_key_command(*, file: Path) -> None:
    """Make a worker's private key in FILE (0600) if there is none, and print its public half.

    The public half goes into the worker's token, `integrations token --recipient`, or into the
    claim cnf.jwk of your identity provider's.
    """
    click.echo(open_worker_key(file))


@click.command("lease-key")
def lease_key_command() -> None:
    """Print the public key that signs leases, as a JWK, for workers to pin."""
    key = open_lease_key(read_settings().data_dir)
    click.echo(msgspec.json.encode(key.public).decode())


if __name__ == "__main__":
    run(worker_key_command)
