"""Checks whether credentials work, without sending anything to anybody."""

import asyncio
import re
import time
from collections.abc import Mapping

from msgspec import Struct

from app.database.availability import UnavailableError
from app.pasted_text import trim
from app.providers.check_runner import CheckRunner, has_format
from app.providers.errors import InvalidServiceAccountError, UnsafeHeaderValueError
from app.providers.http_client import ProviderClient, Values
from app.providers.lookalikes import find_lookalike, matches_format
from app.providers.provider_file import HttpCheck, ProviderFile, VapidPairRule
from app.providers.vapid import is_key_pair
from app.providers.verdict import Verdict
from app.secrets.secret import Secret
from app.wrappings import unwrap

DEADLINE = 10.0  # seconds, for all requests of a check
MAX_CONCURRENT_CHECKS = (
    64  # checks a process; each may hold a connection for as long as the deadline
)

MATCHING_PAIR = Verdict("ok", "The two VAPID keys belong together")
MISMATCHED_PAIR = Verdict("invalid", "The two VAPID keys do not belong together")
INVALID_KEYS = Verdict("inconclusive", "These are no VAPID keys")
INVALID_ACCOUNT = Verdict("inconclusive", "This is not the JSON of a service account")
# Form is not proof: the provider was not asked. `limits` name the field.
UNSENDABLE = Verdict("inconclusive", "{field} holds a space or another character that no key has")
WRAPPED = Verdict(
    "inconclusive", "{field} is stored with quotes, Bearer or a name around it; store the key alone"
)
BASE64URL = re.compile(r"[\w-]+", re.ASCII)
SCALAR = re.compile(r"[\w+/-]{43}=?", re.ASCII)
OF_FORM = {INVALID_KEYS.message, INVALID_ACCOUNT.message, UNSENDABLE.message}
MISPLACED = "This is missing: {fields}; the value that belongs there is in {other}"
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
        values = {name: Secret(trim(reveal_text(value)).encode()) for name, value in values.items()}
        if mistaken := lookalike_verdict(values, provider):
            return mistaken
        verdict = await self._ask(provider, provider.check, values, ends)
        return wrapped_verdict(values, provider) or verdict if may_be_of_form(verdict) else verdict

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
            return INVALID_ACCOUNT


def may_be_of_form(verdict: Verdict) -> bool:
    """Return whether *verdict* may come from what stands around a key, not from the key."""
    return verdict.outcome == "invalid" or verdict.message in OF_FORM


def lookalike_verdict(values: Values, provider: ProviderFile) -> Verdict | None:
    """Return what a value is instead of what *provider* takes; None if nothing is known of it."""
    for name, field in provider.fields.items():
        if name in values and (found := find_lookalike(reveal_text(values[name]), field)):
            return Verdict("inconclusive", found.message)
    return None


def wrapped_verdict(values: Values, provider: ProviderFile) -> Verdict | None:
    """Return that a value of *provider* has more around it than a key; None if none has."""
    for name, field in provider.fields.items():
        if name in values and not field.document and unwrap(reveal_text(values[name])).wrappings:
            return Verdict(WRAPPED.outcome, WRAPPED.message, {"field": name})
    return None


def missing_verdict(values: Values, provider: ProviderFile) -> Verdict | None:
    """Return what *provider* needs and *values* lack; None if nothing is missing.

    It blames no credentials: the provider was not asked.
    """
    missing = [*missing_fields(values, provider), *missing_settings(values, provider)]
    if not missing:
        return None
    limits = {"fields": ", ".join(missing)}
    if other := misplaced_field(missing, values, provider):
        return Verdict("inconclusive", MISPLACED, limits | {"other": other})
    return Verdict("inconclusive", "This is missing: {fields}", limits)


def missing_fields(values: Values, provider: ProviderFile) -> list[str]:
    """Return the names of the fields that *provider* needs and *values* lack."""
    return [n for n, field in provider.fields.items() if field.required and n not in values]


def missing_settings(values: Values, provider: ProviderFile) -> list[str]:
    """Return the names of the settings that such credentials need and *values* lack."""
    needed = (
        name
        for name, setting in provider.settings.items()
        if setting.required_when and has_format(setting.required_when, values)
    )
    return [f"settings.{name}" for name in needed if name not in values]


def misplaced_field(missing: list[str], values: Values, provider: ProviderFile) -> str | None:
    """Return the field that *provider* does not use and that holds a value of a *missing* one."""
    lacking = [f for name, f in provider.fields.items() if name in missing and f.format]
    unused = values.keys() - provider.fields.keys() - provider.settings.keys()
    for name in sorted(unused):
        text = trim(reveal_text(values[name]))
        if any(matches_format(text, field) for field in lacking):
            return name
    return None


def reveal_text(value: Secret) -> str:
    """Return the text of *value*."""
    return value.reveal().decode()


def vapid_pair_verdict(values: Values) -> Verdict:
    """Return whether the two VAPID keys belong together."""
    public, private = (reveal_text(values[name]) for name in ("vapidPublicKey", "vapidPrivateKey"))
    match is_key_pair(public, private):
        case True:  # browsers and senders take a key as it is stored, or not at all
            if not SCALAR.fullmatch(private):
                return Verdict(UNSENDABLE.outcome, UNSENDABLE.message, {"field": "vapidPrivateKey"})
            return MATCHING_PAIR if BASE64URL.fullmatch(public) else INVALID_KEYS
        case False:
            return MISMATCHED_PAIR
        case None:
            return INVALID_KEYS
