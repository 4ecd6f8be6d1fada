"""integrations keys: looks after the keys that wrap the keys of secrets."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import click
from psycopg import AsyncConnection

from app.audit.checkpoint import KEY_FILE_NAME as AUDIT_KEY
from app.database.database import open_known_database
from app.database.key_fingerprints import forget_fingerprint
from app.installation import keyring_exists, record_current_kek, replace_keks
from app.progress import progress_bar
from app.secrets.errors import UnsealError
from app.secrets.key_inventory import (
    KeyCounts,
    LostSecrets,
    integrations_under,
    open_all_keys,
    require_known,
)
from app.secrets.keyring import Keyring, ManagedKeyring, require_retired
from app.secrets.keyring_factory import open_keyring
from app.secrets.rewrap import (
    RewrapResult,
    count_by_kek,
    retire_kek_for_good,
    rewrap,
    rewrap_connection,
)
from app.settings import Settings, read_settings
from scripts.commands.cli import confirm, run
from scripts.commands.operator_log import log_operation

COUNTS_LINE = "{:<44}  {:>9}  {:>11}"
LINE = "{:<{}}  {:<8}  {:<20}  {:>9}"


@click.group("keys")
def keys_commands() -> None:
    """Look after the keys (KEKs) that wrap the keys of stored secrets."""


@keys_commands.command("list")
def list_command() -> None:
    """Show each KEK: its state, when it was made, and how many secrets are stored under it."""
    asyncio.run(show_keks(read_settings()))


@keys_commands.command("verify")
def verify_command() -> None:
    """Open the wrapped key of each stored secret; no secret is opened, and nothing changes.

    Status 1 if one does not open; each is named.
    """
    counts = asyncio.run(verify_keys(read_settings()))
    click.echo(COUNTS_LINE.format("KEK", "OPEN", "DO NOT OPEN"))
    for kek in sorted({*counts.opened, *counts.failed}):
        click.echo(COUNTS_LINE.format(kek, counts.opened[kek], counts.failed[kek]))
    sys.exit(1 if counts.failed else 0)


@keys_commands.command("lost")
@click.argument("kek")
def lost_command(*, kek: str) -> None:
    """Show which integrations have secrets under KEK: if it is lost, they need new ones.

    A line each, separated by tabs: workspace, id, name, fields. No keyring is needed.
    """
    for lost in asyncio.run(find_lost(read_settings(), kek)):
        click.echo("\t".join((lost.workspace, lost.id, lost.name or "", ", ".join(lost.fields))))


@keys_commands.command("rotate")
def rotate_command() -> None:
    """Make a new KEK current; running workers wrap under it with their next secret."""
    with log_operation("keys rotate") as ids:
        ids["kek"] = kek = asyncio.run(rotate(read_settings()))
    click.echo(f"{kek} is current. Run integrations keys rewrap to put all secrets under it.")


@keys_commands.command("rewrap")
@click.option("--from", "former", metavar="KEYRING", help="Open keys with this keyring, too.")
def rewrap_command(*, former: str | None) -> None:
    """Put the keys of all secrets under the current KEK, while the service runs.

    May be stopped and run again at any time. Status 1 if a key does not open; each is named.
    To move to another keyring, set INTEGRATIONS_KEYRING to the new one and give --from the former
    one; the service stands still meanwhile.
    """
    with log_operation("keys rewrap"):
        done = asyncio.run(rewrap_all(read_settings(), former))
        others = f"{done.remaining:,} are under other KEKs"
        click.echo(f"Rewrapped {done.rewrapped:,} keys of secrets; {others}.")
        sys.exit(1 if done.failed else 0)


@keys_commands.command("remove")
@click.argument("kek")
@click.option("--lost", is_flag=True, help="It is gone already: accept the loss of its secrets.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_command(*, kek: str, lost: bool, yes: bool) -> None:
    """Destroy the retired key KEK, for ever; refused while a secret is stored under it.

    With --lost, for a KEK that is not in the keyring any more: the service starts without it, and
    the secrets under it stay unusable until they are replaced.
    """
    if not yes:
        confirm(f"{'Give up' if lost else 'Destroy'} {kek} for ever?")
    with log_operation("keys remove --lost" if lost else "keys remove", kek=kek):
        asyncio.run((accept_loss if lost else remove)(read_settings(), kek))
    click.echo(f"{kek} is {'given up' if lost else 'destroyed'}.")


async def show_keks(settings: Settings) -> None:
    """Print a line a KEK, those that are needed and missing too."""
    async with open_keyring_and_database(settings) as (connection, keyring):
        rows = await count_by_kek(connection)
        keks = await keyring.keks()
        width = max(len(name) for name in ("KEK", *rows, *(kek.id for kek in keks)))
        click.echo(LINE.format("KEK", width, "STATE", "CREATED", "SECRETS"))
        for kek in keks:
            made = f"{kek.created_at:%Y-%m-%dT%H:%M:%SZ}"
            click.echo(LINE.format(kek.id, width, kek.state, made, rows.pop(kek.id, 0)))
        for kek, needed in sorted(rows.items()):
            click.echo(LINE.format(kek, width, "missing", "", needed))


async def rotate(settings: Settings) -> str:
    """Make a new KEK, which the installation then has; return its id."""
    async with open_keyring_and_database(settings) as (connection, keyring):
        kek = await keyring.rotate()
        await record_current_kek(connection, keyring)
        return kek


async def verify_keys(settings: Settings) -> KeyCounts:
    """Open all keys with a progress bar; print which do not open."""
    async with open_keyring_and_database(settings) as (connection, keyring):
        with progress_bar() as report_progress:
            return await open_all_keys(connection, keyring, report_progress, print_failure)


async def find_lost(settings: Settings, kek: str) -> Sequence[LostSecrets]:
    """Return the integrations with secrets under *kek*."""
    async with open_keys_database(settings) as connection:
        return await integrations_under(connection, kek)


async def rewrap_all(settings: Settings, former: str | None) -> RewrapResult:
    """Rewrap with a progress bar; print which keys do not open."""
    async with AsyncExitStack() as stack:
        connection, keyring = await stack.enter_async_context(open_keyring_and_database(settings))
        others: list[Keyring] = []
        if former is not None:
            other = open_keyring(former, settings.vault_token_file)
            stack.push_async_callback(other.close)
            others.append(other)
        with progress_bar() as report_progress:
            done = await rewrap(connection, keyring, report_progress, print_failure, others)
        if not done.remaining:
            for other in others:
                await replace_keks(connection, keyring, other)
        return done


def print_failure(error: UnsealError) -> None:
    """Print which secret cannot be opened, and why."""
    click.echo(f"integrations: {error}", err=True)


async def remove(settings: Settings, kek: str) -> None:
    """Destroy *kek*, after nothing can need it any more."""
    async with open_keyring_and_database(settings) as (connection, keyring):
        await require_retired(keyring, kek)
        await retire_kek_for_good(connection, kek)
        await keyring.remove(kek)


async def accept_loss(settings: Settings, kek: str) -> None:
    """Give *kek* up, which the keyring must not have; the keyring itself may be lost, too.

    The token key and the lease key can be given up as well, by the names of their files.
    """
    if kek == AUDIT_KEY:  # the log continues with another key, and says so
        message = f"{AUDIT_KEY} is given up by: integrations audit-key rotate --lost"
        raise click.UsageError(message)
    if kek in await keks_here(settings) or (settings.data_dir / kek).exists():
        message = f"{kek} is here, and not lost."
        raise click.UsageError(message)
    async with open_keys_database(settings) as connection:
        if await forget_fingerprint(connection, "token key", kek):
            return
        if await forget_fingerprint(connection, "lease key", kek):
            return
        await require_known(connection, kek)
        await retire_kek_for_good(connection, kek, allow_stored=True)


async def keks_here(settings: Settings) -> set[str]:
    """Return the KEKs of the keyring, none if there is no keyring."""
    if not keyring_exists(settings.keyring):
        return set()
    keyring = open_keyring(settings.keyring, settings.vault_token_file)
    try:
        return {kek.id for kek in await keyring.keks()}
    finally:
        await keyring.close()


@asynccontextmanager
async def open_keyring_and_database(
    settings: Settings,
) -> AsyncGenerator[tuple[AsyncConnection, ManagedKeyring]]:
    """Yield the database and the keyring of the settings."""
    keyring = open_keyring(settings.keyring, settings.vault_token_file)
    try:
        async with open_keys_database(settings) as connection:
            yield connection, keyring
    finally:
        await keyring.close()


@asynccontextmanager
async def open_keys_database(settings: Settings) -> AsyncGenerator[AsyncConnection]:
    """Yield the database that is set, as the role that rewraps keys."""
    with open_known_database(settings) as dsn:
        async with await rewrap_connection(dsn) as connection:
            yield connection


if __name__ == "__main__":
    run(keys_commands)
