"""Runs the requests of a check: the token's first, then one to each region."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from app.providers.errors import ProviderUnreachableError
from app.providers.google_service_account import parse_account, token_request
from app.providers.http_client import (
    ProviderClient,
    ProviderRequest,
    ProviderResponse,
    Values,
    build_request,
    is_header_safe,
)
from app.providers.provider_file import (
    HttpCheck,
    OfflineRule,
    ProviderFile,
    Region,
    Rule,
    ServiceAccount,
)
from app.providers.verdict import DEFAULT_MESSAGES, OK, UNREADABLE, Verdict, evaluate, json_member
from app.secrets.secret import Secret
from app.wrappings import unwrap
from domain.provider import FieldCondition

FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
REFUSED = Verdict("invalid", DEFAULT_MESSAGES["invalid"])
UNREACHABLE = Verdict("inconclusive", "The provider cannot be reached")
REFUSED_IN_REGION = (
    "The provider refuses the credentials in {region}, and no other region was asked"
)
MOST_INFORMATIVE = ("ok", "retired", "insufficient", "inconclusive", "invalid")


class Exchange(Struct, frozen=True):
    """A request's verdict, and its response if there was one."""

    verdict: Verdict
    response: ProviderResponse | None = None


class CheckRunner:
    """Runs checks over *client*; *addresses*, by type, replace a provider's own, for tests."""

    def __init__(self, client: ProviderClient, addresses: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = addresses

    async def run(
        self, provider: ProviderFile, check: HttpCheck, values: Values, ends: float
    ) -> Verdict:
        """Return what *provider* says of the credentials in *values*, before the time *ends*.

        Raises:
            UnsafeHeaderValueError: a value holds what no header can carry.
            InvalidServiceAccountError: a value is not the JSON of a service account.
        """
        if unasked := offline_verdict(check.offline, values):
            return unasked
        check = variant_of(check, values)
        if check.service_account is None:
            return await self._check_regions(provider, check, values, ends)
        made = await self._exchange_token(provider, check.service_account, values, ends)
        if isinstance(made, Verdict):
            return made
        return await self._check_regions(provider, check, made, ends)

    async def _check_regions(
        self, provider: ProviderFile, check: HttpCheck, values: Values, ends: float
    ) -> Verdict:
        """Try one region after the other: credentials of one are refused by the others.

        Each gets an equal part of the time that is left, so a silent one leaves some to the next.
        """
        found: list[Verdict] = []
        regions = regions_to_ask(provider, values)
        for index, region in enumerate(regions):
            seconds = (ends - time.monotonic()) / (len(regions) - index)
            verdict = await self._check_region(provider, region, check, values, seconds)
            if verdict.outcome == "ok":
                return verdict
            found.append(verdict)
        merged = merge_verdicts(found)
        if merged == REFUSED and len(regions) < len(provider.regions):
            return Verdict("invalid", REFUSED_IN_REGION, {"region": regions[0].name.upper()})
        return merged

    async def _check_region(
        self,
        provider: ProviderFile,
        region: Region,
        check: HttpCheck,
        values: Values,
        seconds: float,
    ) -> Verdict:
        """Return what *region* says; it knows the credentials if it lets them in."""
        base = self._addresses.get(provider.type, region.url)
        sent = await self._send(build_request(check, base, values), check.rules, seconds)
        is_known = sent.response is not None and sent.response.status == OK
        if is_known and sent.verdict.outcome != "inconclusive" and len(provider.regions) > 1:
            return replace(sent.verdict, region=region.name.upper())  # as `settings` spell it
        return sent.verdict

    async def _exchange_token(
        self, provider: ProviderFile, described: ServiceAccount, values: Values, ends: float
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
        sent = await self._send(request, described.rules, ends - time.monotonic())
        if sent.verdict.outcome != "ok" or sent.response is None:
            return sent.verdict
        token = Secret(str(json_member("access_token", sent.response.content)).encode())
        project = Secret(account.project_id.encode())
        made = {"accessToken": token, "projectId": project}
        return {**values, **made} if is_header_safe(token) else UNREADABLE

    async def _send(
        self, request: ProviderRequest, rules: Sequence[Rule], seconds: float
    ) -> Exchange:
        """Send *request* and return what comes back within *seconds*, and what it means."""
        try:
            async with asyncio.timeout(max(0, seconds)):
                response = await self._client.request(request)
        except TimeoutError:
            return Exchange(no_answer_within(seconds))
        except ProviderUnreachableError as error:
            return Exchange(UNREADABLE if error.reached else UNREACHABLE)
        return Exchange(evaluate(response, rules), response)


def regions_to_ask(provider: ProviderFile, values: Values) -> Sequence[Region]:
    """Return the regions of *provider* that the setting `region` names; without it, all."""
    wanted = values.get("region")
    if wanted is None:
        return provider.regions
    name = wanted.reveal().decode()
    return [r for r in provider.regions if r.name.upper() == name.upper()] or provider.regions


def variant_of(check: HttpCheck, values: Values) -> HttpCheck:
    """Return *check* as it is for *values*."""
    for variant in check.variants:
        if has_format(variant.when, values):
            return replace(check, path=variant.path, rules=(*variant.rules, *check.rules))
    return check


def has_format(condition: FieldCondition, values: Values) -> bool:
    """Return whether *condition* holds for *values*."""
    value = values.get(condition.field)
    return value is not None and bool(
        re.fullmatch(condition.format, unwrap(value.reveal().decode()).text)
    )


def offline_verdict(rules: Sequence[OfflineRule], values: Values) -> Verdict | None:
    """Return what is known of *values* without asking anybody, None where nothing is."""
    for rule in rules:
        if decides(rule, values[rule.field].reveal().decode()):
            return Verdict(rule.outcome, rule.detail)
    return None


def decides(rule: OfflineRule, text: str) -> bool:
    """Return whether *rule* speaks of *text*; `when` also of what is wrapped in it."""
    if rule.when and re.fullmatch(rule.when, unwrap(text).text):
        return True
    return rule.unless is not None and not re.fullmatch(rule.unless, text)


def merge_verdicts(found: Sequence[Verdict]) -> Verdict:
    """Return the most informative of *found*, one a region: `invalid` only if all are.

    Of two alike, that of a region that knows the credentials counts, else the first.
    """
    return min(
        found,
        key=lambda verdict: (MOST_INFORMATIVE.index(verdict.outcome), verdict.region is None),
    )


def no_answer_within(seconds: float) -> Verdict:
    """Return the verdict on a provider that was silent for *seconds*."""
    limits = {"seconds": max(1, ceil(seconds))}
    return Verdict("inconclusive", "The provider did not answer within {seconds} seconds", limits)
