"""Checks before the start: what is wrong is reported in one line."""

import asyncio
import os

import psycopg

from app.bootstrap import build_key_source, load_provider_types
from app.database.connection import acting_as
from app.installation import join_installation
from app.loopback import is_loopback
from app.providers.provider_urls import parse_provider_urls, warn_of_provider_urls
from app.secrets.rewrap import rewrap_connection
from app.service_variables import log_service_variables
from app.settings import Settings, SettingsError
from app.tokens.errors import JwksError
from app.views.rebuild.versions import register_versions, warn_if_outdated
from projections.registry import PROJECTIONS


def check_startup(settings: Settings, dsn: str) -> None:
    """Raise what would stop a worker: keys that are not the database's, or cannot be used.

    At an installation's first start make its keys. Log which views were built by other code; that
    does not stop the start.

    Raises:
        ProviderFileError, SettingsError: a provider file or address is wrong, or the console's
            address is missing.
        InstallationError: the keys of this host are not those of the database.
        TokenKeyError, JwksError: the keys that verify tokens cannot be had.
        CheckpointKeyError: the key that signs checkpoints cannot be used.
        KeyringError: the keyring is wrong.
        UnavailableError: the keyring is in a KMS that does not answer.
    """
    require_console_origin(settings)
    log_service_variables(os.environ)
    warn_of_provider_urls(parse_provider_urls(settings, load_provider_types(settings)))
    asyncio.run(join(settings, dsn))
    probe_keys(settings)
    with psycopg.connect(dsn) as connection:
        register_versions(connection, PROJECTIONS.values())
    with psycopg.connect(acting_as(dsn, "integrations_rebuild")) as connection:
        warn_if_outdated(connection, PROJECTIONS.values())


def require_console_origin(settings: Settings) -> None:
    """Raise SettingsError if others can reach the console, and its address is not known."""
    if settings.console == "off" or settings.console_origin or is_loopback(settings.host):
        return
    message = (
        f"The service listens on {settings.host}, and the console has no address: set"
        " INTEGRATIONS_CONSOLE_ORIGIN to the one that people open in a browser, such as"
        " https://integrations.example.com, or set INTEGRATIONS_CONSOLE=off."
    )
    raise SettingsError(message)


async def join(settings: Settings, dsn: str) -> None:
    """Join the installation of the database *dsn*, or begin it."""
    async with await rewrap_connection(dsn) as connection:
        await join_installation(connection, settings)


def probe_keys(settings: Settings) -> None:
    """Get the keys that verify tokens once, the own one or those of the JWKS.

    Raises:
        TokenKeyError, JwksError: they cannot be had; one line, which says what to do.
    """
    try:
        asyncio.run(fetch_keys(settings))
    except JwksError as error:
        message = (
            f"{str(error).rstrip('.')}: set INTEGRATIONS_JWKS to a file or an https address that"
            " this machine can read, with the keys of your identity provider."
        )
        raise JwksError(message) from None


async def fetch_keys(settings: Settings) -> None:
    """Fetch the keys once."""
    keys = build_key_source(settings)
    await keys.start()
    await keys.stop()
