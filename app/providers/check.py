"""Checks whether credentials work, without sending anything to anybody."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct

from app.database.availability import UnavailableError
from app.providers.errors import NoAccountError, NoAnswerError, UnsendableError
from app.providers.google_service_account import account_in, token_request
from app.providers.http_client import ProviderClient, Question, Values, is_sendable, question_of
from app.providers.provider_file import (
    AskCheck,
    PairCheck,
    ProviderFile,
    Rule,
    ServiceAccount,
    Unasked,
)
from app.providers.vapid import belong_together
from app.providers.verdict import UNREADABLE, Verdict, value_at, verdict_on
from app.secrets.secret import Secret

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


DECIDED = frozenset({"ok", "insufficient", "retired"})  # no other region would say more
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNREACHABLE = Verdict("inconclusive", "The provider cannot be reached")


class Asker:
    """Asks over *client*; *addresses*, by type, take the place of a provider's own, for tests."""

    def __init__(self, client: ProviderClient, addresses: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = addresses

    async def verdict(self, provider: ProviderFile, check: AskCheck, values: Values) -> Verdict:
        """Return what *provider* says of the credentials in *values*; there is no deadline here.

        Raises:
            UnsendableError: a value holds what no header can carry.
            NoAccountError: a value is not the JSON of a service account.
        """
        if unasked := verdict_unasked(check.unasked, values):
            return unasked
        if check.service_account is None:
            return await self._of_regions(provider, check, values)
        made = await self._token(provider, check.service_account, values)
        if isinstance(made, Verdict):
            return made
        return await self._of_regions(provider, check, made)

    async def _of_regions(self, provider: ProviderFile, check: AskCheck, values: Values) -> Verdict:
        """Ask one region after the other: credentials of one are refused by the others."""
        own = [region.url for region in provider.regions]
        address = self._addresses.get(provider.type)
        found: list[Verdict] = []
        for base in [address] if address else own:
            verdict, _ = await self._ask(question_of(check, base, values), check.rules)
            if verdict.outcome in DECIDED:
                return verdict
            found.append(verdict)
        return next((one for one in found if one.outcome == "inconclusive"), found[0])

    async def _token(
        self, provider: ProviderFile, described: ServiceAccount, values: Values
    ) -> Values | Verdict:
        """Return the values that the check goes on with, or why it does not."""
        account = account_in(values[described.field])
        body = await asyncio.to_thread(
            token_request,
            account,
            audience=described.url + described.path,
            scope=described.scope,
            now=int(time.time()),
        )
        base = self._addresses.get(provider.type, described.url)
        question = Question(method="POST", url=base + described.path, headers=FORM, body=body)
        verdict, content = await self._ask(question, described.rules)
        if verdict.outcome != "ok":
            return verdict
        token = Secret(str(value_at("access_token", content)).encode())
        project = Secret(account.project_id.encode())
        return {"accessToken": token, "projectId": project} if is_sendable(token) else UNREADABLE

    async def _ask(self, question: Question, rules: Sequence[Rule]) -> tuple[Verdict, object]:
        """Return what the answer to *question* means, and its JSON."""
        try:
            answer = await self._client.ask(question)
        except NoAnswerError as error:
            return UNREADABLE if error.reached else UNREACHABLE, UNSET
        return verdict_on(answer, rules), answer.content


def verdict_unasked(rules: Sequence[Unasked], values: Values) -> Verdict | None:
    """Return what is known of *values* without asking anybody, None where nothing is."""
    for rule in rules:
        if not re.fullmatch(rule.unless.encode(), values[rule.field].reveal()):
            return Verdict(rule.outcome, rule.detail)
    return None
