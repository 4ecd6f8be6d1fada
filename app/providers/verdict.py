"""What a check finds, in our own words: nothing of a provider's answer is in them."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from msgspec import UNSET, Struct

from app.providers.http_client import Answer
from app.providers.provider_file import Condition, Kind, Rule
from domain.integration import Outcome

OK = 200
TOO_MANY_REQUESTS = 429
FIRST_FAILURE_OF_THEIRS = 500
USUAL_WORDS: Mapping[Outcome, str] = {
    "ok": "The provider accepts the credentials",
    "invalid": "The provider refuses the credentials",
    "insufficient": "The provider knows the credentials, but they lack a permission",
    "retired": "The provider has ended this kind of credentials",
    "inconclusive": "The provider's answer says nothing about the credentials",
}
TYPES: Mapping[Kind, type | tuple[type, ...]] = {
    "array": list,
    "object": dict,
    "string": str,
    "number": (int, float),
}


class Verdict(Struct, frozen=True):
    """What a check found; `message` is English, a key of the catalogues, as `limits` fill it."""

    outcome: Outcome
    message: str
    limits: Mapping[str, str | int] = {}


ASKED_TOO_OFTEN = Verdict(
    "inconclusive", "The provider is asked too often just now; check again later"
)
UNREADABLE = Verdict("inconclusive", "The provider's answer cannot be read")


def verdict_on(answer: Answer, rules: Iterable[Rule]) -> Verdict:
    """Return what *answer* means: by the first of *rules* that fits, else nothing of the key."""
    for rule in rules:
        if fits(answer, rule):
            return Verdict(rule.outcome, rule.detail or USUAL_WORDS[rule.outcome])
    return unexpected(answer)


def unexpected(answer: Answer) -> Verdict:
    """Return why *answer* says nothing about the credentials."""
    status = {"status": answer.status}
    if answer.status == TOO_MANY_REQUESTS:
        return ASKED_TOO_OFTEN
    if answer.status >= FIRST_FAILURE_OF_THEIRS:
        return Verdict(
            "inconclusive", "The provider has a failure of its own (status {status})", status
        )
    if answer.content is UNSET and answer.status == OK:
        return UNREADABLE
    return Verdict(
        "inconclusive", "The provider gave an unexpected answer (status {status})", status
    )


def fits(answer: Answer, rule: Rule) -> bool:
    """Tell whether *rule* speaks of *answer*, which must be JSON for that."""
    return (
        answer.status == rule.status
        and answer.content is not UNSET
        and all(holds(condition, answer.content) for condition in rule.where)
    )


def holds(condition: Condition, content: object) -> bool:
    """Tell whether all that *condition* asks for is so in *content*."""
    value = value_at(condition.at, content)
    wanted, among = condition.equals, condition.contains
    return (
        (condition.type is None or is_a(condition.type, value))
        and (wanted is None or (type(value) is type(wanted) and value == wanted))
        and (among is None or (isinstance(value, list) and among in value))
    )


def value_at(path: str, content: object) -> object:
    """Return the value that *path*, names with dots between them, leads to; UNSET where none."""
    for name in filter(None, path.split(".")):
        if not isinstance(content, dict):
            return UNSET
        content = cast("dict[str, Any]", content).get(name, UNSET)
    return content


def is_a(kind: Kind, value: object) -> bool:
    """Tell whether *value* is of JSON's *kind*; true and false are no numbers."""
    return isinstance(value, TYPES[kind]) and not isinstance(value, bool)
