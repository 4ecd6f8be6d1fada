"""Which rule speaks of which answer."""

import pytest
from msgspec import UNSET

from app.providers.http_client import ProviderResponse
from app.providers.provider_file import Condition, Rule
from app.providers.verdict import UNREADABLE, condition_matches, evaluate

ANSWER = {
    "a": {"b": "text"},
    "n": 1,
    "t": True,
    "list": ["x", 2],
    "none": None,
    "errors": [{"message": "Key Unknown."}, {"message": "other", "help": [{"x": "Your IP"}]}],
}
HOLDING = [
    Condition(),
    Condition(type="object"),
    Condition(at="a.b", equals="text"),
    Condition(at="n", type="number", equals=1),
    Condition(at="list", contains="x"),
    Condition(at="list", type="array"),
    Condition(at="a.b", type="string"),
    Condition(at="errors.*.message", equals="other"),
    Condition(at="errors.*.message", one_of=["no", "key unknown"]),
    Condition(at="list.*", equals=2),
    Condition(at="errors", mentions=["no", "your ip"]),
    Condition(mentions=["EXT"]),
    Condition(at="n", at_most=1),
    Condition(at="errors.*.help.*.x", type="string"),
]
NOT_HOLDING = [
    Condition(type="array"),
    Condition(at="a.c", type="string"),
    Condition(at="a.b.c", type="string"),
    Condition(at="list.0", type="string"),
    Condition(at="t", equals=1),
    Condition(at="t", type="number"),
    Condition(at="n", equals="1"),
    Condition(at="n", equals=2),
    Condition(at="none", type="object"),
    Condition(at="list", contains="y"),
    Condition(at="a.b", contains="text"),
    Condition(at="a", contains="b"),
    Condition(at="n", type="number", equals=2),
    Condition(at="errors.*.message", one_of=["key"]),
    Condition(at="errors.message", type="string"),
    Condition(at="errors", one_of=["other"]),
    Condition(at="errors.*.message", mentions=["ip"]),
    Condition(at="errors", mentions=["message"]),
    Condition(at="a.*", type="string"),
    Condition(at="n", at_most=0.5),
    Condition(at="t", at_most=5),
    Condition(at="a.b", at_most=5),
    Condition(at="errors.*.message", equals="other", mentions=["unknown"]),
]


@pytest.mark.parametrize("condition", HOLDING)
def test_a_condition_holds_where_all_of_it_is_so(condition: Condition) -> None:
    assert condition_matches(condition, ANSWER)


@pytest.mark.parametrize("condition", NOT_HOLDING)
def test_a_condition_does_not_hold_where_part_of_it_is_not_so(condition: Condition) -> None:
    assert not condition_matches(condition, ANSWER)


def test_the_first_rule_that_fits_counts() -> None:
    rules = [
        Rule(status=200, where=[Condition(at="n", equals=7)], outcome="invalid"),
        Rule(status=200, outcome="ok", detail="ours"),
        Rule(status=200, outcome="retired"),
    ]

    verdict = evaluate(ProviderResponse(200, ANSWER), rules)

    assert (verdict.outcome, verdict.message) == ("ok", "ours")


def test_a_rule_never_speaks_of_what_is_not_json() -> None:
    assert (
        evaluate(ProviderResponse(200, UNSET), [Rule(status=200, outcome="invalid")]) == UNREADABLE
    )


@pytest.mark.parametrize(("status", "outcome"), [(401, "invalid"), (403, "invalid"), (402, None)])
def test_a_rule_speaks_of_each_of_its_statuses(status: int, outcome: str | None) -> None:
    verdict = evaluate(ProviderResponse(status, {}), [Rule(status=[401, 403], outcome="invalid")])

    assert verdict.outcome == (outcome or "inconclusive")


def test_a_long_answer_is_searched_in_time_that_grows_with_it_alone() -> None:
    deep: object = "a" * 60_000 + "b"
    for _ in range(500):
        deep = [deep]

    assert condition_matches(Condition(mentions=["a" * 30 + "b"]), deep)
    assert not condition_matches(Condition(mentions=["a" * 30 + "c"]), deep)


def test_all_conditions_of_a_rule_count() -> None:
    both = [Condition(at="n", equals=1), Condition(at="t", equals="no")]

    verdict = evaluate(ProviderResponse(200, ANSWER), [Rule(status=200, where=both, outcome="ok")])

    assert verdict.outcome == "inconclusive"
