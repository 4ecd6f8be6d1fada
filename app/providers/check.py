"""Checks whether credentials work, without sending anything to anybody."""

import asyncio
import time
from collections.abc import Mapping

from msgspec import Struct

from app.database.availability import UnavailableError
from app.providers.check_runner import CheckRunner
from app.providers.errors import InvalidServiceAccountError, UnsafeHeaderValueError
from app.providers.http_client import ProviderClient, Values
from app.providers.provider_file import ProviderFile, VapidPairRule
from app.providers.vapid import is_key_pair
from app.providers.verdict import Verdict

DEADLINE = 10.0  # seconds, for all requests of a check
MAX_CONCURRENT_CHECKS = (
    64  # checks a process; each may hold a connection for as long as the deadline
)

MATCHING_PAIR = Verdict("ok", "The two VAPID keys belong together")
MISMATCHED_PAIR = Verdict("invalid", "The two VAPID keys do not belong together")
INVALID_KEYS = Verdict("invalid", "These are no VAPID keys")
INVALID_ACCOUNT = Verdict("invalid", "This is not the JSON of a service account")
UNCHECKABLE = Verdict("inconclusive", "This type of provider cannot be checked")


class CheckResult(Struct, frozen=True):
    """What a check found, and how long it took, in milliseconds."""

    verdict: Verdict
    latency_ms: int


class CredentialChecker:
    """Checks credentials at *providers*, over *client*.

    *addresses*, base URLs by type, take the place of a provider's own, for tests; *deadline* is
    in seconds, over all requests of a check.
    """

    def __init__(
        self,
        providers: Mapping[str, ProviderFile],
        client: ProviderClient,
        addresses: Mapping[str, str],
        deadline: float = DEADLINE,
    ) -> None:
        self._providers = providers
        self._runner = CheckRunner(client, addresses)
        self._deadline = deadline
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CHECKS)

    async def check(self, provider: str, values: Values, spent: float = 0) -> CheckResult:
        """Return whether *values*, by field, work at the *provider* of that type.

        *spent* seconds of the deadline are over: opening the secrets takes some, too.

        Raises:
            UnavailableError: too many checks are under way.
        """
        if self._slots.locked():
            raise UnavailableError
        async with self._slots:
            started = time.monotonic()
            verdict = await self._verdict(provider, values, started + self._deadline - spent)
            return CheckResult(verdict, round((time.monotonic() - started) * 1000))

    async def _verdict(self, type_: str, values: Values, ends: float) -> Verdict:
        provider = self._providers.get(type_)
        if provider is None or provider.check is None:
            return UNCHECKABLE
        if missing := missing_fields(values, provider):
            return Verdict("invalid", "This is missing: {fields}", {"fields": missing})
        if isinstance(provider.check, VapidPairRule):
            return vapid_pair_verdict(values)
        try:
            return await self._runner.run(provider, provider.check, values, ends)
        except UnsafeHeaderValueError as error:
            message = "{field} holds a space or another character that no key has"
            return Verdict("invalid", message, {"field": error.field})
        except InvalidServiceAccountError:
            return INVALID_ACCOUNT


def missing_fields(values: Values, provider: ProviderFile) -> str:
    """Return the names of the fields that *provider* needs and *values* lack, "" where none."""
    needed = (name for name, field in provider.fields.items() if field.required)
    return ", ".join(name for name in needed if name not in values)


def vapid_pair_verdict(values: Values) -> Verdict:
    """Return whether the two VAPID keys belong together."""
    public, private = (values[name].reveal() for name in ("vapidPublicKey", "vapidPrivateKey"))
    match is_key_pair(public.decode(), private.decode()):
        case True:
            return MATCHING_PAIR
        case False:
            return MISMATCHED_PAIR
        case None:
            return INVALID_KEYS
