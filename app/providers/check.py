"""Checks whether credentials work, without sending anything to anybody."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct

from app.database.availability import UnavailableError
from app.providers.errors import (
    InvalidServiceAccountError,
    ProviderUnreachableError,
    UnsafeHeaderValueError,
)
from app.providers.google_service_account import parse_account, token_request
from app.providers.http_client import (
    ProviderClient,
    ProviderRequest,
    Values,
    build_request,
    is_header_safe,
)
from app.providers.provider_file import (
    HttpCheck,
    OfflineRule,
    ProviderFile,
    Rule,
    ServiceAccount,
    VapidPairRule,
)
from app.providers.vapid import is_key_pair
from app.providers.verdict import UNREADABLE, Verdict, evaluate, json_path
from app.secrets.secret import Secret

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
        self._asker = CheckRunner(client, addresses)
        self._deadline = deadline
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CHECKS)

    async def check(self, provider: str, values: Values) -> CheckResult:
        """Return whether *values*, by field, work at the *provider* of that type.

        Raises:
            UnavailableError: too many checks are under way.
        """
        if self._slots.locked():
            raise UnavailableError
        async with self._slots:
            started = time.monotonic()
            verdict = await self._check_within_deadline(provider, values)
            return CheckResult(verdict, round((time.monotonic() - started) * 1000))

    async def _check_within_deadline(self, provider: str, values: Values) -> Verdict:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._verdict(self._providers.get(provider), values)
        except TimeoutError:
            limits = {"seconds": round(self._deadline)}
            message = "The provider did not answer within {seconds} seconds"
            return Verdict("inconclusive", message, limits)
        except UnsafeHeaderValueError as error:
            message = "{field} holds a space or another character that no key has"
            return Verdict("invalid", message, {"field": error.field})
        except InvalidServiceAccountError:
            return INVALID_ACCOUNT

    async def _verdict(self, provider: ProviderFile | None, values: Values) -> Verdict:
        if provider is None or provider.check is None:
            return UNCHECKABLE
        if missing := missing_fields(values, provider):
            return Verdict("invalid", "This is missing: {fields}", {"fields": missing})
        if isinstance(provider.check, VapidPairRule):
            return vapid_pair_verdict(values)
        return await self._asker.run(provider, provider.check, values)


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


CONCLUSIVE = frozenset({"ok", "insufficient", "retired"})  # no other region would say more
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
UNREACHABLE = Verdict("inconclusive", "The provider cannot be reached")


class CheckRunner:
    """Runs checks over *client*; *addresses*, by type, replace a provider's own, for tests."""

    def __init__(self, client: ProviderClient, addresses: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = addresses

    async def run(self, provider: ProviderFile, check: HttpCheck, values: Values) -> Verdict:
        """Return what *provider* says of the credentials in *values*; there is no deadline here.

        Raises:
            UnsafeHeaderValueError: a value holds what no header can carry.
            NoAccountError: a value is not the JSON of a service account.
        """
        if unasked := offline_verdict(check.offline, values):
            return unasked
        if check.service_account is None:
            return await self._check_regions(provider, check, values)
        made = await self._exchange_token(provider, check.service_account, values)
        if isinstance(made, Verdict):
            return made
        return await self._check_regions(provider, check, made)

    async def _check_regions(
        self, provider: ProviderFile, check: HttpCheck, values: Values
    ) -> Verdict:
        """Try one region after the other: credentials of one are refused by the others."""
        own = [region.url for region in provider.regions]
        address = self._addresses.get(provider.type)
        found: list[Verdict] = []
        for base in [address] if address else own:
            verdict, _ = await self._send(build_request(check, base, values), check.rules)
            if verdict.outcome in CONCLUSIVE:
                return verdict
            found.append(verdict)
        return next((one for one in found if one.outcome == "inconclusive"), found[0])

    async def _exchange_token(
        self, provider: ProviderFile, described: ServiceAccount, values: Values
    ) -> Values | Verdict:
        """Return the values that the check continues with, or why it does not."""
        account = parse_account(values[described.field])
        body = await asyncio.to_thread(
            token_request,
            account,
            audience=described.url + described.path,
            scope=described.scope,
            now=int(time.time()),
        )
        base = self._addresses.get(provider.type, described.url)
        request = ProviderRequest(
            method="POST", url=base + described.path, headers=FORM_HEADERS, body=body
        )
        verdict, content = await self._send(request, described.rules)
        if verdict.outcome != "ok":
            return verdict
        token = Secret(str(json_path("access_token", content)).encode())
        project = Secret(account.project_id.encode())
        return {"accessToken": token, "projectId": project} if is_header_safe(token) else UNREADABLE

    async def _send(
        self, request: ProviderRequest, rules: Sequence[Rule]
    ) -> tuple[Verdict, object]:
        """Return what the response to *request* means, and its JSON."""
        try:
            response = await self._client.request(request)
        except ProviderUnreachableError as error:
            return UNREADABLE if error.reached else UNREACHABLE, UNSET
        return evaluate(response, rules), response.content


def offline_verdict(rules: Sequence[OfflineRule], values: Values) -> Verdict | None:
    """Return what is known of *values* without asking anybody, None where nothing is."""
    for rule in rules:
        if not re.fullmatch(rule.unless.encode(), values[rule.field].reveal()):
            return Verdict(rule.outcome, rule.detail)
    return None
