"""Checks before the start: what is wrong is reported in one line."""

import asyncio
from collections.abc import Iterable

import psycopg

from app.audit.checkpoint import open_checkpoint_key
from app.bootstrap import build_key_source, load_provider_types
from app.database.connection import acting_as
from app.provider_urls import parse_provider_urls, warn_of_provider_urls
from app.secrets.keyring import current_kek, require_keks
from app.secrets.keyring_factory import open_keyring
from app.settings import Settings
from app.tokens.key_source import KeySource
from app.views.rebuild.versions import register_versions, warn_if_outdated
from projections.registry import PROJECTIONS

KEKS_IN_USE_SQL = "SELECT integrations.keks_in_use()"


def check_startup(settings: Settings, dsn: str) -> None:
    """Raise what would stop a worker: unusable token keys or keyring, or a missing KEK.

    Log which views were built by other code; that does not stop the start.

    Raises:
        TokenKeyError, JwksError: the keys that verify tokens cannot be had.
        CheckpointKeyError: the key that signs checkpoints cannot be used.
        ProviderFileError, SettingsError: a provider file or address is wrong.
        KeyringError: the keyring is wrong, or lacks a KEK under which secrets are stored.
        UnavailableError: the keyring is in a KMS that does not answer.
    """
    warn_of_provider_urls(parse_provider_urls(settings, load_provider_types(settings)))
    open_checkpoint_key(settings.data_dir)
    asyncio.run(probe_key_source(build_key_source(settings)))
    with psycopg.connect(dsn) as connection:
        register_versions(connection, PROJECTIONS.values())
    with psycopg.connect(acting_as(dsn, "integrations_command")) as connection:
        in_use = [kek for (kek,) in connection.execute(KEKS_IN_USE_SQL)]
    with psycopg.connect(acting_as(dsn, "integrations_rebuild")) as connection:
        warn_if_outdated(connection, PROJECTIONS.values())
    asyncio.run(check_keyring(settings, in_use))


async def check_keyring(settings: Settings, in_use: Iterable[str]) -> None:
    """Raise KeyringError if the keyring lacks a KEK of those *in_use*, or one to wrap with."""
    keyring = open_keyring(settings.keyring, settings.vault_token_file)
    try:
        require_keks((kek.id for kek in await keyring.keks()), in_use)
        await current_kek(keyring)
    finally:
        await keyring.close()


async def probe_key_source(keys: KeySource) -> None:
    """Fetch the keys once."""
    await keys.start()
    await keys.stop()
