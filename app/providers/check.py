"""Checks whether credentials work, without sending anything to anybody."""

import asyncio
import re
import time
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from app.database.availability import UnavailableError
from app.pasted_text import trim
from app.providers.check_runner import CheckRunner
from app.providers.errors import InvalidServiceAccountError, UnsafeHeaderValueError
from app.providers.google_service_account import INCOMPLETE, mentions_account
from app.providers.http_client import ProviderClient, Values
from app.providers.lookalikes import (
    PastedValue,
    find_mixed_kinds,
    holds_more_than_key,
    matches_format,
    wrappings_of,
)
from app.providers.offline_checks import missing_verdict, offline_verdict
from app.providers.provider_file import HttpCheck, ProviderFile, VapidPairRule
from app.providers.vapid import is_key_pair
from app.providers.verdict import Verdict
from app.secrets.secret import Secret

DEADLINE = 10.0  # seconds, for all requests of a check
MAX_CONCURRENT_CHECKS = (
    64  # checks a process; each may hold a connection for as long as the deadline
)

MATCHING_PAIR = Verdict("ok", "The two VAPID keys belong together")
# Apple requires a subject: https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers
PAIR_WITHOUT_CONTACT = Verdict(
    "ok",
    "The two VAPID keys belong together; without settings.contact some push services refuse"
    " messages",
)
MISMATCHED_PAIR = Verdict("invalid", "The two VAPID keys do not belong together")
INVALID_KEYS = Verdict("inconclusive", "These are no VAPID keys")
INVALID_ACCOUNT = Verdict("inconclusive", "This is not the JSON of a service account")
INCOMPLETE_ACCOUNT = Verdict("inconclusive", INCOMPLETE)
# Form is not proof: the provider was not asked. `limits` name the field.
UNSENDABLE = Verdict(
    "inconclusive", "{field} holds a space, an invisible character or another that no key has"
)
WRAPPED = Verdict(
    "inconclusive",
    "{field} is stored with quotes, brackets, Bearer, a name, \\n or other text around it; store"
    " the key alone",
)
# Who reads only of the refusal makes a new key, which is then given in the same way.
UNUSUAL = (
    "The provider refuses {field}, which does not look like a key of this provider: it may be"
    " encoded, cut short, hidden or a reference; give the key itself before you make a new one"
)
BASE64URL = re.compile(r"[\w-]+", re.ASCII)
OF_FORM = {INVALID_KEYS.message, INVALID_ACCOUNT.message, UNSENDABLE.message}
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
        if incomplete := missing_verdict(values, provider):
            return incomplete
        values = {
            name: Secret(trim(value.reveal_text()).encode()) for name, value in values.items()
        }
        if known := offline_verdict(values, provider, provider.check):
            return known
        verdict = await self._ask(provider, provider.check, values, ends)
        if not may_be_of_form(verdict):
            return verdict
        return wrapped_verdict(values, provider) or name_cause(verdict, values, provider)

    async def _ask(
        self, provider: ProviderFile, check: HttpCheck | VapidPairRule, values: Values, ends: float
    ) -> Verdict:
        if isinstance(check, VapidPairRule):
            return vapid_pair_verdict(values)
        try:
            return await self._runner.run(provider, check, values, ends)
        except UnsafeHeaderValueError as error:
            return Verdict(UNSENDABLE.outcome, UNSENDABLE.message, {"field": error.field})
        except InvalidServiceAccountError:
            given = [PastedValue(value.reveal_text()) for value in values.values()]
            is_one = any(mentions_account(value.readings) for value in given)
            return INCOMPLETE_ACCOUNT if is_one else INVALID_ACCOUNT


def may_be_of_form(verdict: Verdict) -> bool:
    """Return whether *verdict* may come from what stands around a key, not from the key."""
    return verdict.outcome == "invalid" or verdict.message in OF_FORM


def wrapped_verdict(values: Values, provider: ProviderFile) -> Verdict | None:
    """Return that a value of *provider* has more around it than a key; None if none has."""
    for name, field in provider.fields.items():
        if name not in values or field.document:
            continue
        value = PastedValue(values[name].reveal_text())
        if wrappings_of(value, field) or holds_more_than_key(value, field, provider):
            return Verdict(WRAPPED.outcome, WRAPPED.message, {"field": name})
    return None


def name_cause(verdict: Verdict, values: Values, provider: ProviderFile) -> Verdict:
    """Return *verdict*, which says what may be wrong with the form of *values*.

    They are of two kinds of credentials; or one was refused that does not look like a key.
    """
    given = {name: PastedValue(value.reveal_text()) for name, value in values.items()}
    unusual = (
        n for n, f in provider.fields.items() if n in given and not matches_format(given[n], f)
    )
    if mixed := next(find_mixed_kinds(given, provider), None):
        cause = Verdict(verdict.outcome, mixed[1].message, region=verdict.region)
    elif verdict.outcome == "invalid" and (field := next(unusual, None)):
        cause = Verdict(verdict.outcome, UNUSUAL, {"field": field}, verdict.region)
    else:
        return verdict
    return cause if verdict.reason is None else replace(verdict, reason=cause)


def vapid_pair_verdict(values: Values) -> Verdict:
    """Return whether the two VAPID keys belong together."""
    public, private = (values[name].reveal_text() for name in ("vapidPublicKey", "vapidPrivateKey"))
    match is_key_pair(public, private):
        case True:  # browsers and senders take a key as it is stored, or not at all
            if not BASE64URL.fullmatch(private):
                return Verdict(UNSENDABLE.outcome, UNSENDABLE.message, {"field": "vapidPrivateKey"})
            if not BASE64URL.fullmatch(public):
                return INVALID_KEYS
            return MATCHING_PAIR if "contact" in values else PAIR_WITHOUT_CONTACT
        case False:
            return MISMATCHED_PAIR
        case None:
            return INVALID_KEYS
