"""What must be right before a start: found here, so that it is told in one line."""

import asyncio

import psycopg

from app.compose import provider_types, provider_urls, token_keys
from app.secrets.file_keyring import open_keyring
from app.secrets.keyring import require_keks
from app.settings import Settings
from app.tokens.keys import KeySource

# One step a KEK, however many secrets there are (a loose index scan).
KEKS_IN_USE = """
WITH RECURSIVE used (kek) AS (
    SELECT min(kek) FROM integrations.secret_store
    UNION ALL
    SELECT (SELECT min(kek) FROM integrations.secret_store s WHERE s.kek > used.kek)
    FROM used WHERE used.kek IS NOT NULL
)
SELECT kek FROM used WHERE kek IS NOT NULL
"""


def require_startable(settings: Settings, dsn: str) -> None:
    """Raise what would stop a worker: token keys, keyring, a KEK in use that it lacks.

    Raises:
        TokenKeyError, JwksError: the keys that verify tokens cannot be had.
        ProviderFileError, SettingsError: a provider file or address is wrong.
        KeyringError: the keyring is wrong, or lacks a KEK under which secrets are stored.
    """
    provider_urls(settings, provider_types(settings))
    asyncio.run(start_and_stop(token_keys(settings)))
    with psycopg.connect(dsn) as connection:
        in_use = [kek for (kek,) in connection.execute(KEKS_IN_USE)]
    require_keks(open_keyring(settings.keyring), in_use)


async def start_and_stop(keys: KeySource) -> None:
    """Fetch the keys once."""
    await keys.start()
    await keys.stop()
