"""Makes the real parts from settings: pools, log, views, keys."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from app.database.pools import open_pool
from app.execute import Executor, utc_now
from app.housekeeping import keep_house
from app.http.bodies import forms_for
from app.http.in_flight import InFlight
from app.http.parts import Parts
from app.locales.catalogues import load_catalogues
from app.log.postgres import PostgresLog
from app.providers.catalogue import load_providers
from app.rate_limit import RateLimit
from app.readiness import Readiness
from app.secrets.file_keyring import open_keyring
from app.settings import Settings
from app.tokens.jwks_file import JwksFile
from app.tokens.jwks_url import JwksUrl
from app.tokens.keys import KeySource
from app.tokens.local_key import open_local_key
from app.tokens.verifier import TokenVerifier
from app.views.integrations import IntegrationViews


def compose(settings: Settings, dsn: str) -> Parts:
    """Return the parts over the migrated database *dsn*; nothing is open before `running`.

    Raises:
        KeyringError, TokenKeyError, JwksError: one line that says which file is wrong, and how.
    """
    commands = open_pool(dsn, "integrations_command")
    queries = open_pool(dsn, "integrations_query")
    keys = token_keys(settings)
    providers = load_providers()

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        await keys.start()
        async with commands, queries:
            housekeeping = asyncio.create_task(keep_house(commands))
            yield
            housekeeping.cancel()
        await keys.stop()

    return Parts(
        executor=Executor(PostgresLog(commands), utc_now),
        views=IntegrationViews(queries),
        keyring=open_keyring(settings.keyring),
        verifier=TokenVerifier(keys, settings.jwt_issuer, settings.jwt_audience),
        catalogues=load_catalogues(),
        providers=providers,
        forms=forms_for(providers),
        in_flight=InFlight(),
        rate_limit=rate_limit(settings),
        ready=Readiness(commands).checks,
        running=running,
    )


def rate_limit(settings: Settings) -> RateLimit | None:
    """Return this process's share of the rate that a workspace may have; None for any rate."""
    if settings.rate_limit is None:
        return None
    burst = settings.rate_burst or settings.rate_limit
    return RateLimit(settings.rate_limit / settings.workers, burst / settings.workers)


def token_keys(settings: Settings) -> KeySource:
    """Return where the keys that verify tokens come from."""
    if settings.jwks is None:
        return open_local_key(settings.data_dir)
    if settings.jwks.startswith(("http://", "https://")):
        return JwksUrl(settings.jwks)
    return JwksFile(Path(settings.jwks))
