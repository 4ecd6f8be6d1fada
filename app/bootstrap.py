"""Builds what the application depends on from settings: pools, log, views, keys."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from app.access.journal import AccessJournal, delete_old_accesses
from app.access.leasing import Leasing
from app.access.views import AccessViews
from app.audit.checkpoint import open_checkpoint_key
from app.audit.follower import follow_log
from app.audit.lag import AuditLag, SigningWatch, database_gauges
from app.audit.proof_service import ProofService
from app.batching import MAX_BATCH
from app.cached_probe import CachedProbe
from app.command_handler import CommandHandler, utc_now
from app.database.pools import Pool, open_pool
from app.event_store.idempotency import StoredResponses
from app.event_store.postgres import PostgresEventLog
from app.event_store.reader import LogReader
from app.event_store.recorder import open_subscription
from app.feed.change_feed import ChangeFeed
from app.http.dependencies import Dependencies
from app.http.integrations.bodies import build_body_schemas
from app.http.integrations.defaults import CHOOSE_SCHEMA, ChooseDefaultBody
from app.http.leases import LeaseBody, lease_schema
from app.http.middleware import ASGI
from app.http.operations import Readiness
from app.http.security_log import SecurityLog
from app.keyed_lock import KeyedLock
from app.locales.catalogues import load_catalogues
from app.metrics.collector import Metrics
from app.providers.check import CredentialChecker
from app.providers.http_client import ProviderClient
from app.providers.key_finder import KeyFinder
from app.providers.provider_file import ProviderFile
from app.providers.provider_urls import parse_provider_urls
from app.providers.registry import load_providers
from app.providers.shared_checks import CheckLimits, SharedChecks
from app.rate_limit import RateLimit
from app.secrets.installed_keyring import InstalledKeyring
from app.secrets.keyring import ManagedKeyring
from app.secrets.keyring_factory import open_keyring
from app.secrets.lease_key import open_lease_key
from app.secrets.store import SecretStore
from app.settings import Settings
from app.sign_in.sessions import Sessions
from app.sign_in.sign_in_codes import SignInCodes
from app.tokens.jwks_file import JwksFile
from app.tokens.jwks_url import JwksUrl
from app.tokens.key_source import KeySource
from app.tokens.local_key import open_local_key
from app.tokens.verifier import CACHE_SIZE, TokenVerifier
from app.views.as_of import AsOfViews
from app.views.channel_defaults import ChannelDefaultViews
from app.views.credentials import CredentialViews
from app.views.history import HistoryViews
from app.views.integrations import IntegrationViews
from app.views.lease_material import LeaseMaterialViews

AUDIT_CONNECTIONS = 2  # audit queries read much, and must not take all of the database
PROBE_CONNECTIONS = 1  # health and metrics need no token: they take none that tenants share
FOLLOWER_CONNECTIONS = 2  # its session, and its subscription
FEED_CONNECTIONS = 1  # its subscription
MAX_EXPENSIVE_REQUESTS = 2  # of a workspace at once, one a worker at least
POOL_CLOSE_TIMEOUT = 2.0  # seconds for a pool to give up connection attempts


class Pools(NamedTuple):
    """The pools of one process, each of the role that its requests need."""

    commands: Pool
    queries: Pool
    audits: Pool
    probes: Pool


class BackgroundWork(Struct, frozen=True, kw_only=True):
    """What runs next to the requests: *tasks* until they are cancelled, *follow* until an event."""

    tasks: Sequence[Callable[[], Coroutine[Any, Any, None]]]
    follow: Callable[[asyncio.Event], Coroutine[Any, Any, None]]
    signing: SigningWatch


def max_connections(pool_size: int) -> int:
    """Return how many connections a worker opens at most, without a pooler."""
    others = AUDIT_CONNECTIONS + PROBE_CONNECTIONS + FOLLOWER_CONNECTIONS + FEED_CONNECTIONS
    return 2 * pool_size + others  # for commands and for queries


def build_dependencies(
    settings: Settings, dsn: str, *, max_batch: int = MAX_BATCH, cache_size: int = CACHE_SIZE
) -> Dependencies:
    """Return the dependencies on the migrated database *dsn*; its `lifespan` opens them.

    At most *max_batch* requests share a round trip, and *cache_size* verified tokens are cached;
    benchmarks set 1 and 0 to measure what these gain.

    Raises:
        KeyringError, TokenKeyError, JwksError, CheckpointKeyError, ProviderFileError: one line
            that says which file is wrong, and how.
        SettingsError: INTEGRATIONS_PROVIDER_URLS names an unknown provider.
    """
    pools = open_pools(settings, dsn)
    keys = build_key_source(settings)
    providers = load_provider_types(settings)
    own_keyring = open_keyring(settings.keyring, settings.vault_token_file)
    keyring = InstalledKeyring(own_keyring, pools.commands)
    checkpoint_key = open_checkpoint_key(settings.data_dir)
    log = PostgresEventLog(pools.commands, max_batch=max_batch)
    views = IntegrationViews(pools.queries, max_batch=max_batch)
    leasing = Leasing(
        views=LeaseMaterialViews(pools.commands, max_batch=max_batch),
        journal=AccessJournal(pools.commands),
        keyring=keyring,
        key=open_lease_key(settings.data_dir),
        providers=providers,
        issuer=settings.jwt_issuer,
        seconds=settings.lease_seconds,
    )
    feed = ChangeFeed(LogReader(pools.audits), partial(open_subscription, dsn))
    stored_responses = StoredResponses(pools.commands)
    signing = SigningWatch(AuditLag(pools.probes))
    metrics = build_metrics(pools, log, views, leasing, feed)
    work = BackgroundWork(
        tasks=(
            stored_responses.run,
            partial(delete_old_accesses, pools.commands, settings.access_retention),
            metrics.run,
            feed.run,
        ),
        follow=partial(follow_log, dsn, partial(open_checkpoint_key, settings.data_dir)),
        signing=signing,
    )
    return Dependencies(
        command_handler=CommandHandler(log, utc_now),
        views=views,
        defaults=ChannelDefaultViews(pools.queries),
        history=HistoryViews(pools.audits),
        credentials=CredentialViews(pools.audits),
        as_of_views=AsOfViews(LogReader(pools.audits)),
        proof_service=ProofService(pools.audits, checkpoint_key),
        keyring=keyring,
        secrets=SecretStore(pools.commands, keyring),
        leasing=leasing,
        accesses=AccessViews(pools.audits),
        feed=feed,
        sign_in_codes=SignInCodes(pools.commands) if settings.console == "on" else None,
        sessions=Sessions(pools.commands) if settings.console == "on" else None,
        console_origin=settings.console_origin,
        checker=CredentialChecker(
            providers, ProviderClient(), parse_provider_urls(settings, providers)
        ),
        shared_checks=SharedChecks(CheckLimits(settings.workers)),
        verifier=TokenVerifier(
            keys, settings.jwt_issuer, settings.jwt_audience, cache_size=cache_size
        ),
        catalogues=load_catalogues(),
        providers=providers,
        key_finder=KeyFinder(providers),
        body_schemas={
            **build_body_schemas(providers),
            ChooseDefaultBody: CHOOSE_SCHEMA,
            LeaseBody: lease_schema(providers),
        },
        idempotency_locks=KeyedLock(),
        stored_responses=stored_responses,
        expensive_requests=KeyedLock(max(1, MAX_EXPENSIVE_REQUESTS // settings.workers)),
        rate_limit=build_rate_limit(settings),
        trusted_proxies=settings.trusted_proxies,
        security_log=SecurityLog(settings.trusted_proxies),
        metrics=metrics,
        readiness=CachedProbe(Readiness(pools.probes, signing).checks),
        lifespan=partial(run_service, pools, keys, own_keyring, work),
    )


def open_pools(settings: Settings, dsn: str) -> Pools:
    """Return the pools of one process on the database *dsn*, which are not connected yet."""
    open_one, size = partial(open_pool, dsn, pooler=settings.pooler_url), settings.pool_size
    return Pools(
        commands=open_one("integrations_command", size=size),
        queries=open_one("integrations_query", size=size),
        audits=open_one("integrations_past", size=AUDIT_CONNECTIONS),
        probes=open_one("integrations_past", size=PROBE_CONNECTIONS),
    )


def build_metrics(
    pools: Pools,
    log: PostgresEventLog,
    views: IntegrationViews,
    leasing: Leasing,
    feed: ChangeFeed,
) -> Metrics:
    """Return the metrics of what one process runs."""
    return Metrics(
        version("integrations"),
        pools=(pools.commands, pools.queries, pools.audits),
        batchers={**log.batchers, **views.batchers, **leasing.batchers},
        read_gauges=CachedProbe(partial(database_gauges, pools.probes)),
        own_values=lambda: (
            (feed.position, "integrations_feed_position"),
            (feed.streams, "integrations_feed_streams"),
            *leasing.metric_values(),
        ),
    )


@asynccontextmanager
async def run_service(
    pools: Pools, keys: KeySource, keyring: ManagedKeyring, work: BackgroundWork
) -> AsyncGenerator[None]:
    """Open what requests need, do *work* during the block, and close all."""
    await keys.start()
    async with pools.commands, pools.queries, pools.audits, pools.probes:
        tasks = [asyncio.create_task(run()) for run in work.tasks]
        stopping = asyncio.Event()
        work.signing.follower = asyncio.create_task(work.follow(stopping))
        yield
        for task in tasks:
            task.cancel()
        stopping.set()
        # In parallel: across a network that stalls, each pool takes seconds to close.
        closing = (pool.close(POOL_CLOSE_TIMEOUT) for pool in pools)
        await asyncio.gather(work.signing.follower, *closing)
    await keys.stop()
    await keyring.close()


def build_console(dependencies: Dependencies) -> Callable[[ASGI], ASGI] | None:
    """Return what puts the console in front of the API; None if it is off."""
    sessions, codes = dependencies.sessions, dependencies.sign_in_codes
    if sessions is None or codes is None:
        return None
    # If the console is off, none of its code is even loaded.
    from app.console.application import create_console  # noqa: PLC0415

    origin = dependencies.console_origin
    return partial(create_console, sessions, codes, dependencies.catalogues, origin)


def load_provider_types(settings: Settings) -> Mapping[str, ProviderFile]:
    """Return the built-in types and those of the operator's folder; raise ProviderFileError."""
    return load_providers([settings.providers] if settings.providers else [])


def build_rate_limit(settings: Settings) -> RateLimit | None:
    """Return the part of a workspace's rate limit for this process; None for no limit."""
    if settings.rate_limit is None:
        return None
    burst = settings.rate_burst or settings.rate_limit
    return RateLimit(settings.rate_limit / settings.workers, burst / settings.workers)


def build_key_source(settings: Settings) -> KeySource:
    """Return the source of the keys that verify tokens."""
    if settings.jwks is None:
        return open_local_key(settings.data_dir)
    if settings.jwks.startswith(("http://", "https://")):
        return JwksUrl(settings.jwks)
    return JwksFile(Path(settings.jwks))
