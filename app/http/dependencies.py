"""What the HTTP API depends on; built by bootstrap, stored in the application's state."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from litestar import Litestar
from msgspec import Struct

from app.access.leasing import Leasing
from app.access.views import AccessViews
from app.audit.proof_service import ProofService
from app.command_handler import CommandHandler
from app.event_store.idempotency import StoredResponses
from app.feed.change_feed import ChangeFeed
from app.http.request_bodies import BodySchema
from app.http.security_log import SecurityLog
from app.keyed_lock import KeyedLock
from app.locales.catalogues import Catalogues
from app.metrics.collector import Metrics
from app.providers.check import CheckResult, CredentialChecker
from app.providers.key_finder import KeyFinder
from app.providers.provider_file import ProviderFile
from app.providers.shared_checks import SharedChecks
from app.rate_limit import RateLimit
from app.secrets.keyring import Keyring
from app.secrets.store import SecretStore
from app.sign_in.sessions import Sessions
from app.sign_in.sign_in_codes import SignInCodes
from app.tokens.verifier import TokenVerifier
from app.trusted_proxies import TrustedProxies
from app.views.as_of import AsOfViews
from app.views.channel_defaults import ChannelDefaultViews
from app.views.credentials import CredentialViews
from app.views.history import HistoryViews
from app.views.integrations import IntegrationViews


class Dependencies(Struct, frozen=True, kw_only=True):
    """Everything behind the API; `readiness` runs the checks, `lifespan` opens and closes.

    `expensive_requests` are those of a workspace that read much. `key_finder` finds keys of
    providers in a text. `sign_in_codes` and `sessions` are None if the console is off;
    `console_origin` is where people open it, None for the address of their request.
    """

    command_handler: CommandHandler
    views: IntegrationViews
    defaults: ChannelDefaultViews
    history: HistoryViews
    credentials: CredentialViews
    as_of_views: AsOfViews
    proof_service: ProofService
    keyring: Keyring
    secrets: SecretStore
    checker: CredentialChecker
    leasing: Leasing
    accesses: AccessViews
    feed: ChangeFeed
    sign_in_codes: SignInCodes | None
    sessions: Sessions | None
    console_origin: str | None
    shared_checks: SharedChecks[tuple[CheckResult, datetime]]
    verifier: TokenVerifier
    catalogues: Catalogues
    providers: Mapping[str, ProviderFile]
    key_finder: KeyFinder
    body_schemas: Mapping[type[Struct], BodySchema[Any]]
    idempotency_locks: KeyedLock
    stored_responses: StoredResponses
    expensive_requests: KeyedLock
    rate_limit: RateLimit | None
    trusted_proxies: TrustedProxies
    security_log: SecurityLog
    metrics: Metrics
    readiness: Callable[[], Awaitable[Mapping[str, bool]]]
    lifespan: Callable[[], AbstractAsyncContextManager[None]]


def get_dependencies(app: Litestar) -> Dependencies:
    """Return the dependencies of *app*."""
    return app.state["dependencies"]  # reading it as an attribute takes six times as long
