"""What a check finds, in our own words: nothing of a provider's response is in them."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from msgspec import UNSET, Struct

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

    `region` is the one that knows the credentials, if the provider has several.
    """

    outcome: Outcome
    message: str
    limits: Mapping[str, str | int] = {}
    region: str | None = None


RATE_LIMITED = Verdict(
    "inconclusive", "The provider receives too many requests now; check again later"
)
UNREADABLE = Verdict("inconclusive", "The provider's answer cannot be read")


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
    return Verdict(
        "inconclusive", "The provider gave an unexpected answer (status {status})", status
    )


def rule_matches(response: ProviderResponse, rule: Rule) -> bool:
    """Return whether *rule* speaks of *response*, which must be JSON for that."""
    return (
        response.status == rule.status
        and response.content is not UNSET
        and all(condition_matches(condition, response.content) for condition in rule.where)
    )


def condition_matches(condition: Condition, content: object) -> bool:
    """Return whether all that *condition* requires is so in *content*."""
    value = json_path(condition.at, content)
    wanted, among = condition.equals, condition.contains
    return (
        (condition.type is None or has_json_type(condition.type, value))
        and (wanted is None or (type(value) is type(wanted) and value == wanted))
        and (among is None or (isinstance(value, list) and among in value))
    )


def json_path(path: str, content: object) -> object:
    """Return the value that *path*, names with dots between them, leads to; UNSET if none."""
    for name in filter(None, path.split(".")):
        if not isinstance(content, dict):
            return UNSET
        content = cast("dict[str, Any]", content).get(name, UNSET)
    return content


def has_json_type(kind: JsonType, value: object) -> bool:
    """Return whether *value* is of JSON's *kind*; true and false are no numbers."""
    return isinstance(value, JSON_TYPES[kind]) and not isinstance(value, bool)
