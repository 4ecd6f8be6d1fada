"""Asks a provider: an access token where it takes one, then each region until one decides."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from app.providers.errors import NoAnswerError
from app.providers.google_service_account import account_in, token_request
from app.providers.http_client import ProviderClient, Question
from app.providers.provider_file import AskCheck, ProviderFile, Rule, ServiceAccount, Unasked
from app.providers.questions import Values, is_sendable, question_of
from app.providers.verdict import UNREADABLE, Verdict, value_at, verdict_on
from app.secrets.secret import Secret

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
