"""Checks whether credentials work, without sending anything to anybody."""

import asyncio
import time
from collections.abc import Mapping

from msgspec import Struct

from app.log.event_log import UnavailableError
from app.providers.asking import Asker
from app.providers.errors import NoAccountError, UnsendableError
from app.providers.http_client import ProviderClient
from app.providers.provider_file import PairCheck, ProviderFile
from app.providers.questions import Values
from app.providers.vapid import belong_together
from app.providers.verdict import Verdict

DEADLINE = 10.0  # seconds, for all requests of a check
AT_ONCE = 64  # checks a process; each may hold a connection for as long as the deadline

PAIR = Verdict("ok", "The two VAPID keys belong together")
NO_PAIR = Verdict("invalid", "The two VAPID keys do not belong together")
NO_KEYS = Verdict("invalid", "These are no VAPID keys")
NO_ACCOUNT = Verdict("invalid", "This is not the JSON of a service account")
UNCHECKABLE = Verdict("inconclusive", "This type of provider cannot be checked")


class Checked(Struct, frozen=True):
    """What a check found, and how long it took, in milliseconds."""

    verdict: Verdict
    latency_ms: int


class Checker:
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
        self._asker = Asker(client, addresses)
        self._deadline = deadline
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def check(self, provider: str, values: Values) -> Checked:
        """Return whether *values*, by field, work at the *provider* of that type.

        Raises:
            UnavailableError: too many checks are under way.
        """
        if self._slots.locked():
            raise UnavailableError
        async with self._slots:
            started = time.monotonic()
            verdict = await self._in_time(provider, values)
            return Checked(verdict, round((time.monotonic() - started) * 1000))

    async def _in_time(self, provider: str, values: Values) -> Verdict:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._verdict(self._providers.get(provider), values)
        except TimeoutError:
            limits = {"seconds": round(self._deadline)}
            message = "The provider did not answer within {seconds} seconds"
            return Verdict("inconclusive", message, limits)
        except UnsendableError as error:
            message = "{field} holds a space or another character that no key has"
            return Verdict("invalid", message, {"field": error.field})
        except NoAccountError:
            return NO_ACCOUNT

    async def _verdict(self, provider: ProviderFile | None, values: Values) -> Verdict:
        if provider is None or provider.check is None:
            return UNCHECKABLE
        if missing := missing_in(values, provider):
            return Verdict("invalid", "This is missing: {fields}", {"fields": missing})
        if isinstance(provider.check, PairCheck):
            return pair_verdict(values)
        return await self._asker.verdict(provider, provider.check, values)


def missing_in(values: Values, provider: ProviderFile) -> str:
    """Return the names of the fields that *provider* needs and *values* lack, "" where none."""
    needed = (name for name, field in provider.fields.items() if field.required)
    return ", ".join(name for name in needed if name not in values)


def pair_verdict(values: Values) -> Verdict:
    """Return whether the two VAPID keys belong together."""
    public, private = (values[name].reveal() for name in ("vapidPublicKey", "vapidPrivateKey"))
    match belong_together(public.decode(), private.decode()):
        case True:
            return PAIR
        case False:
            return NO_PAIR
        case None:
            return NO_KEYS
