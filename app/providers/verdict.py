"""What a check finds, in our own words: nothing of a provider's response is in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from msgspec import UNSET, Struct

from app.locales.catalogues import Language
from app.providers.http_client import ProviderResponse
from app.providers.provider_file import Condition, JsonType, Rule
from domain.integration import Outcome

OK = 200
TOO_MANY_REQUESTS = 429
FIRST_SERVER_ERROR = 500
DEFAULT_MESSAGES: Mapping[Outcome, str] = {
    "ok": "The provider accepts the credentials",
    "invalid": "The provider refuses the credentials",
    "insufficient": "The provider knows the credentials, but they lack a permission",
    "retired": "The provider has ended this kind of credentials",
    "inconclusive": "The provider's answer says nothing about the credentials",
}
JSON_TYPES: Mapping[JsonType, type | tuple[type, ...]] = {
    "array": list,
    "object": dict,
    "string": str,
    "number": (int, float),
}


class Verdict(Struct, frozen=True):
    """What a check found; `message` is English, a key of the catalogues, as `limits` fill it.

    `region` is the one that knows the credentials, if the provider has several. `reason` is another
    verdict, whose text fills `{reason}` in the message.
    """

    outcome: Outcome
    message: str
    limits: Mapping[str, str | int] = {}
    region: str | None = None
    reason: "Verdict | None" = None

    def text(self, language: Language) -> str:
        """Return the message in *language*."""
        reason = {} if self.reason is None else {"reason": self.reason.text(language)}
        return language.text(self.message, **self.limits, **reason)


RATE_LIMITED = Verdict(
    "inconclusive", "The provider receives too many requests now; check again later"
)
UNREADABLE = Verdict("inconclusive", "The provider's answer cannot be read")
UNEXPECTED = "The provider gave an unexpected answer (status {status})"


def evaluate(response: ProviderResponse, rules: Iterable[Rule]) -> Verdict:
    """Return what *response* means: by the first of *rules* that fits, else nothing of the key."""
    for rule in rules:
        if rule_matches(response, rule):
            return Verdict(rule.outcome, rule.detail or DEFAULT_MESSAGES[rule.outcome])
    return inconclusive_reason(response)


def inconclusive_reason(response: ProviderResponse) -> Verdict:
    """Return why *response* says nothing about the credentials."""
    status = {"status": response.status}
    if response.status == TOO_MANY_REQUESTS:
        return RATE_LIMITED
    if response.status >= FIRST_SERVER_ERROR:
        return Verdict(
            "inconclusive", "The provider has a failure of its own (status {status})", status
        )
    if response.content is UNSET and response.status == OK:
        return UNREADABLE
    return Verdict("inconclusive", UNEXPECTED, status)


def rule_matches(response: ProviderResponse, rule: Rule) -> bool:
    """Return whether *rule* speaks of *response*, which must be JSON for that."""
    return (
        response.status in rule.statuses
        and response.content is not UNSET
        and all(condition_matches(condition, response.content) for condition in rule.where)
    )


def condition_matches(condition: Condition, content: object) -> bool:
    """Return whether all that *condition* requires is so of a value in *content*."""
    return any(value_matches(condition, value) for value in json_values(condition.at, content))


def value_matches(condition: Condition, value: object) -> bool:
    """Return whether all that *condition* requires is so of *value*."""
    wanted, among, most = condition.equals, condition.contains, condition.at_most
    return (
        (condition.type is None or has_json_type(condition.type, value))
        and (wanted is None or (type(value) is type(wanted) and value == wanted))
        and (among is None or list_holds(value, among))
        and (not condition.one_of or is_one_of(value, condition.one_of))
        and (not condition.mentions or mentions_one(value, condition.mentions))
        and (most is None or is_at_most(value, most))
    )


def list_holds(value: object, item: object) -> bool:
    """Return whether *value* is a list that holds *item*."""
    return isinstance(value, list) and item in cast("list[object]", value)


def is_at_most(value: object, most: float) -> bool:
    """Return whether *value* is a number, and not above *most*."""
    return isinstance(value, int | float) and has_json_type("number", value) and value <= most


def is_one_of(value: object, texts: Iterable[str]) -> bool:
    """Return whether *value* is one of *texts*, whatever its case and its full stop."""
    return isinstance(value, str) and plain_text(value) in map(plain_text, texts)


def plain_text(text: str) -> str:
    """Return *text* in small letters, without spaces and full stops at its ends."""
    return text.strip(" .\r\n\t").casefold()


def mentions_one(value: object, phrases: Iterable[str]) -> bool:
    """Return whether a text in *value*, at any depth, holds one of *phrases*."""
    wanted = [phrase.casefold() for phrase in phrases]
    return any(phrase in text.casefold() for text in texts_in(value) for phrase in wanted)


def texts_in(value: object) -> Iterator[str]:
    """Yield all texts in *value*, but for names of fields."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, list):
            waiting += cast("list[object]", found)
        elif isinstance(found, dict):
            waiting += cast("dict[str, object]", found).values()


def json_values(path: str, content: object) -> list[object]:
    """Return the values that *path*, names with dots between them, leads to.

    `*` is each item of a list. A path that leads nowhere has the value UNSET.
    """
    values = [content]
    for name in filter(None, path.split(".")):
        if name == "*":
            lists = [cast("list[object]", value) for value in values if isinstance(value, list)]
            values = [item for items in lists for item in items]
        else:
            values = [json_member(name, value) for value in values]
    return values


def json_member(name: str, value: object) -> object:
    """Return the member *name* of the object *value*; UNSET if there is none."""
    return cast("dict[str, Any]", value).get(name, UNSET) if isinstance(value, dict) else UNSET


def has_json_type(kind: JsonType, value: object) -> bool:
    """Return whether *value* is of JSON's *kind*; true and false are no numbers."""
    return isinstance(value, JSON_TYPES[kind]) and not isinstance(value, bool)
