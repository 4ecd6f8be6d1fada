"""A check tells the truth: real answers of each provider, and any answer that is not documented."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct

from app.locales.catalogues import Catalogues, load_catalogues
from app.providers.http_client import ProviderResponse
from app.providers.provider_file import Condition, HttpCheck, ProviderFile, Rule
from app.providers.registry import load_providers
from app.providers.verdict import evaluate
from domain.integration import Outcome
from tests.app.providers.conftest import Script

TOKEN = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}


class SeenResponse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: what a provider answered where, and what a check makes of it."""

    case: str
    type: str
    of: str = "check"
    status: int
    body: str
    source: str
    outcome: Outcome
    detail: str


class Table(Struct, forbid_unknown_fields=True):
    responses: list[SeenResponse]


FILE = Path(__file__).with_name("provider_responses.toml")
ROWS = msgspec.toml.decode(FILE.read_bytes(), type=Table).responses


@pytest.fixture(scope="session")
def catalogues() -> Catalogues:
    return load_catalogues()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.type}-{row.of}-{row.case}" for row in ROWS])
async def test_what_providers_answer_has_its_true_outcome(
    row: SeenResponse, script: Script, catalogues: Catalogues
) -> None:
    before = [(200, TOKEN)] if row.type == "FIREBASE_FCM" and row.of == "check" else []

    checked = await script.check(row.type, *before, (row.status, row.body))

    verdict = checked.verdict
    detail = verdict.text(catalogues.english)
    assert (verdict.outcome, detail) == (row.outcome, row.detail)
    assert all(verdict.message in language.messages for language in catalogues.languages.values())


def test_every_row_is_json_and_names_its_source() -> None:
    assert len({(row.type, row.of, row.case) for row in ROWS}) == len(ROWS)
    assert all(row.source and msgspec.json.decode(row.body) for row in ROWS)


# ----- Any answer -----
def rules_of(provider: ProviderFile) -> dict[str, list[Rule]]:
    """Return the rules of *provider*'s check, and of its token endpoint."""
    assert isinstance(provider.check, HttpCheck)
    account = provider.check.service_account
    return {"check": [*provider.check.rules], "token": [*account.rules] if account else []}


RULES = {
    (type_, of): rules
    for type_, provider in load_providers().items()
    if isinstance(provider.check, HttpCheck)
    for of, rules in rules_of(provider).items()
}


def conditions(rules: list[Rule]) -> list[Condition]:
    return [condition for rule in rules for condition in rule.where]


def documented(rules: list[Rule]) -> list[str | int]:
    """Return the values by which *rules* tell a bad credential."""
    blaming = conditions([rule for rule in rules if rule.outcome == "invalid"])
    texts = [text for condition in blaming for text in condition.one_of]
    return [*texts, *(c.equals for c in blaming if c.equals is not None)]


def names_in(rules: list[Rule]) -> list[str]:
    return sorted({n for c in conditions(rules) for n in c.at.split(".") if n not in ("", "*")})


@pytest.mark.parametrize("key", RULES, ids="-".join)
def test_a_bad_credential_is_told_by_a_documented_value_only(key: tuple[str, str]) -> None:
    for rule in RULES[key]:
        if rule.outcome == "invalid":
            assert any(c.equals is not None or c.one_of for c in rule.where)


def bodies(rules: list[Rule]) -> SearchStrategy[Any]:
    """Return any JSON, of the names and near the values that *rules* look for."""
    near = [str(value) for value in documented(rules)]
    texts = st.text(max_size=20) | st.sampled_from(["error", "Unauthorized", "denied", *near]).map(
        lambda text: text[:-2] + "?"
    )
    leaves = st.none() | st.booleans() | st.integers(-1000, 30_000) | st.floats(-1, 1) | texts
    names = st.sampled_from(names_in(rules)) | st.text(max_size=5)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    )


def holds_documented_value(content: object, values: list[str | int]) -> bool:
    text = json.dumps(content).casefold()
    return any(str(value).casefold() in text for value in values)


@pytest.mark.parametrize("key", [key for key in RULES if RULES[key]], ids="-".join)
@given(data=st.data(), status=st.integers(200, 599) | st.sampled_from([400, 401, 403, 404]))
def test_nothing_else_ever_blames_the_credentials(
    key: tuple[str, str], data: st.DataObject, status: int
) -> None:
    rules = RULES[key]
    content = data.draw(bodies(rules))
    assume(not holds_documented_value(content, documented(rules)))

    verdict = evaluate(ProviderResponse(status, content), rules)

    assert verdict.outcome != "invalid"


@pytest.mark.parametrize("key", [key for key in RULES if RULES[key]], ids="-".join)
@given(data=st.data())
def test_a_documented_value_does_not_blame_them_under_another_status(
    key: tuple[str, str], data: st.DataObject
) -> None:
    rules = RULES[key]
    status = data.draw(st.integers(200, 599).filter(lambda status: status not in (400, 401)))
    bodies_seen = [msgspec.json.decode(row.body) for row in ROWS if row.type == key[0]]

    verdict = evaluate(ProviderResponse(status, data.draw(st.sampled_from(bodies_seen))), rules)

    assert verdict.outcome != "invalid"
