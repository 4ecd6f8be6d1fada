"""Runs the requests of a check: the token's first, then one to each region."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from app.providers.errors import NoResponseError, NoResponseReason
from app.providers.google_service_account import parse_account, token_request
from app.providers.http_client import (
    ProviderClient,
    ProviderRequest,
    ProviderResponse,
    Values,
    build_request,
    is_header_safe,
)
from app.providers.lookalikes import condition_holds
from app.providers.provider_file import (
    PLACEHOLDER,
    HttpCheck,
    ProviderFile,
    Region,
    Rule,
    ServiceAccount,
)
from app.providers.regions import merge_verdicts, name_only_region, regions_to_ask
from app.providers.verdict import OK, UNEXPECTED, UNREADABLE, Verdict, evaluate, json_member
from app.secrets.secret import Secret

SETTING_ERRORS = (400, 401, 403, 404, 422)  # others come from the network or from load
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
NO_RESPONSE: Mapping[NoResponseReason, Verdict] = {
    "unreachable": Verdict("inconclusive", "The provider cannot be reached"),
    "untrusted": Verdict(
        "inconclusive",
        "The provider's certificate is not trusted; if a proxy that inspects traffic has replaced"
        " it, name the proxy's in SSL_CERT_FILE",
    ),
    "unreadable": UNREADABLE,
    "too large": Verdict("inconclusive", "The provider's answer is too large to be read"),
}
OF_SETTINGS = "{reason}. A wrong value of {settings} can have the same effect"


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
        found: dict[str, Verdict] = {}
        regions = regions_to_ask(provider, values)
        for index, region in enumerate(regions):
            seconds = (ends - time.monotonic()) / (len(regions) - index)
            verdict = await self._check_region(provider, region, check, values, seconds)
            if verdict.outcome == "ok":
                return verdict
            found[region.name.upper()] = verdict  # as `settings` spell it
        return name_only_region(merge_verdicts(found), regions, provider)

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
        if sent.response is None:
            return sent.verdict
        if sent.response.status == OK and sent.verdict.outcome != "inconclusive":
            known = region.name.upper() if len(provider.regions) > 1 else None
            return replace(sent.verdict, region=known)
        settings = sent_settings(provider, check, values)
        return name_settings(sent.verdict, sent.response.status, settings)

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
        except NoResponseError as error:
            return Exchange(NO_RESPONSE[error.reason])
        return Exchange(evaluate(response, rules), response)


def variant_of(check: HttpCheck, values: Values) -> HttpCheck:
    """Return *check* as it is for *values*."""
    for variant in check.variants:
        value = values.get(variant.when.field)
        if condition_holds(variant.when, value and value.reveal().decode()):
            return replace(check, path=variant.path, rules=(*variant.rules, *check.rules))
    return check


def sent_settings(provider: ProviderFile, check: HttpCheck, values: Values) -> list[str]:
    """Return the settings among *values* that the request of *check* sends."""
    sent = {*check.headers.values(), *PLACEHOLDER.findall(check.path)}
    return [f"settings.{name}" for name in provider.settings if name in sent and name in values]


def name_settings(verdict: Verdict, status: int, settings: Sequence[str]) -> Verdict:
    """Return *verdict*, with the *settings* of the request if they may be the cause of it."""
    is_refusal = verdict.outcome in ("invalid", "insufficient")
    is_unexpected = verdict.message == UNEXPECTED and status in SETTING_ERRORS
    if not settings or not (is_refusal or is_unexpected):
        return verdict
    return Verdict(verdict.outcome, OF_SETTINGS, {"settings": ", ".join(settings)}, reason=verdict)


def no_answer_within(seconds: float) -> Verdict:
    """Return the verdict on a provider that was silent for *seconds*."""
    limits = {"seconds": max(1, ceil(seconds))}
    return Verdict("inconclusive", "The provider did not answer within {seconds} seconds", limits)
