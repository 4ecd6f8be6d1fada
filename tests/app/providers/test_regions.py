"""What the verdicts of regions say together, and which setting or region a refusal names."""

from itertools import permutations, product
from typing import get_args

import pytest

from app.locales.catalogues import load_catalogues
from app.providers.check_runner import name_settings, no_answer_within
from app.providers.regions import merge_verdicts
from app.providers.verdict import UNEXPECTED, Verdict
from app.secrets.secret import Secret
from domain.integration import Outcome
from tests.app.providers.conftest import Script
from tests.support.any_provider import SENDGRID_REFUSES

Named = tuple[str, dict[str, str], tuple[int, object], Outcome, list[str], list[str], str]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
ENGLISH = load_catalogues().english

# What two regions say together, in either order. A key works if one region takes it; a region
# that did not speak may be the one; what else can be mended, comes before what needs a new key.
PAIRS: list[tuple[Outcome, Outcome, Outcome]] = [
    ("ok", "ok", "ok"),
    ("ok", "inconclusive", "ok"),
    ("ok", "insufficient", "ok"),
    ("ok", "retired", "ok"),
    ("ok", "invalid", "ok"),
    ("inconclusive", "inconclusive", "inconclusive"),
    ("inconclusive", "insufficient", "inconclusive"),
    ("inconclusive", "retired", "inconclusive"),
    ("inconclusive", "invalid", "inconclusive"),
    ("insufficient", "insufficient", "insufficient"),
    ("insufficient", "retired", "insufficient"),
    ("insufficient", "invalid", "insufficient"),
    ("retired", "retired", "retired"),
    ("retired", "invalid", "retired"),
    ("invalid", "invalid", "invalid"),
]
MERGED = {pair: both for a, b, both in PAIRS for pair in ((a, b), (b, a))}


def merged_outcome(*outcomes: Outcome) -> Outcome:
    return merge_verdicts({str(n): Verdict(o, o) for n, o in enumerate(outcomes)}).outcome


@pytest.mark.parametrize(("one", "other", "both"), PAIRS)
def test_two_regions(one: Outcome, other: Outcome, both: Outcome) -> None:
    assert merged_outcome(one, other) == both
    assert merged_outcome(other, one) == both


@pytest.mark.parametrize("three", [*product(OUTCOMES, repeat=3)], ids="-".join)
def test_three_regions_are_two_and_another(three: tuple[Outcome, Outcome, Outcome]) -> None:
    first, second, third = three
    two = MERGED[first, second]
    assert merged_outcome(*three) == MERGED[two, third]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_one_region_speaks_for_itself(outcome: Outcome) -> None:
    verdict = Verdict(outcome, "m", region="EU")
    assert merge_verdicts({"EU": verdict}) == verdict


LATE = no_answer_within(4.2)
ODD = name_settings(Verdict("inconclusive", UNEXPECTED, {"status": 404}), 404, ["settings.a"])
DOWN = Verdict("inconclusive", "The provider cannot be reached")
BUSY = Verdict("inconclusive", "The provider's answer cannot be read")
NO_MAIL = Verdict("insufficient", "m", region="EU")
REFUSED = Verdict("invalid", "m")
OPEN = " gave no verdict, so the credentials may still work there"
# Verdicts by region; the detail, and the region that knows the credentials.
DETAILS: list[tuple[dict[str, Verdict], str, str | None]] = [
    ({"US1": REFUSED, "IE1": DOWN}, f"IE1{OPEN}: {DOWN.message}", None),
    ({"GLOBAL": DOWN, "EU": NO_MAIL}, f"GLOBAL{OPEN}: {DOWN.message}", "EU"),
    ({"US1": DOWN, "IE1": DOWN, "AU1": REFUSED}, f"US1, IE1{OPEN}: {DOWN.message}", None),
    ({"US1": DOWN, "IE1": REFUSED, "AU1": BUSY}, f"US1, AU1{OPEN}; in US1: {DOWN.message}", None),
    ({"US1": DOWN, "IE1": BUSY}, f"US1, IE1{OPEN}; in US1: {DOWN.message}", None),
    ({"US1": DOWN, "IE1": DOWN}, DOWN.message, None),
    ({"US1": LATE, "IE1": REFUSED}, f"US1{OPEN}: {LATE.text(ENGLISH)}", None),
    ({"US1": ODD, "IE1": REFUSED}, f"US1{OPEN}: {ODD.text(ENGLISH)}", None),
    ({"US1": ODD, "IE1": LATE}, f"US1, IE1{OPEN}; in US1: {ODD.text(ENGLISH)}", None),
]


@pytest.mark.parametrize(("found", "detail", "known"), DETAILS)
def test_the_detail_names_the_regions_without_a_verdict(
    found: dict[str, Verdict], detail: str, known: str | None
) -> None:
    verdict = merge_verdicts(found)
    assert (verdict.text(ENGLISH), verdict.region) == (detail, known)
    for language in load_catalogues().languages.values():
        assert language.filled_text(detail) == verdict.text(language)


@pytest.mark.parametrize("found", [found for found, _, _ in DETAILS])
def test_in_any_order_the_same_regions_are_named(found: dict[str, Verdict]) -> None:
    named = {"US1", "IE1", "AU1", "GLOBAL"}
    texts = [merge_verdicts(dict(each)).text(ENGLISH) for each in permutations(found.items())]
    assert len({frozenset(n for n in named if n in text.split(";")[0]) for text in texts}) == 1


# ----- Which setting a refusal names -----
KEY = {"apiKey": "SG." + "a" * 22 + "." + "b" * 43}
AC, OTHER = "AC" + "0" * 32, "AC" + "9" * 32
API_KEY = {"apiKey": "SK" + "1" * 32, "apiSecret": "aB3" * 10 + "xy", "accountSid": OTHER}
TOKEN = {"apiKey": AC, "apiSecret": "1" * 32}
ACCOUNT, SUBUSER = "settings.accountSid", "settings.onBehalfOf"
DOCS = "https://www.twilio.com/docs/"
TWILIO_REFUSES = (401, {"code": 20003, "message": "Authenticate", "status": 401})
NOT_ALLOWED = (401, {"code": 70051, "message": "Authorization Failed", "status": 401})
SG_REFUSED = (401, SENDGRID_REFUSES)
SG_FORBIDDEN = (403, {"errors": [{"message": "access forbidden"}]})
SG_ADDRESS = (401, {"errors": [{"message": "The requestor's IP Address is not whitelisted"}]})
SG_NO_MAIL = (200, {"scopes": ["alerts.read"]})
SG_UNKNOWN = (404, {"errors": [{"message": "not found"}]})
ONLY_US1, ONLY_EU = "Only the region US1 was asked", "Only the region EU was asked"
# Type, credentials with settings, answer, outcome, what the detail says, what it does not; source.
NAMED: list[Named] = [
    ("TWILIO", API_KEY, TWILIO_REFUSES, "invalid", [ACCOUNT], ["Only"],
     DOCS + "api/errors/20003: verify the correct account is being accessed"),
    ("TWILIO", {**API_KEY, "region": "US1"}, TWILIO_REFUSES, "invalid", [ACCOUNT, ONLY_US1], [],
     DOCS + "api/errors/20003: the key is for the incorrect region"),
    ("TWILIO", {**TOKEN, "region": "US1"}, TWILIO_REFUSES, "invalid", [ONLY_US1], [ACCOUNT],
     DOCS + "api/errors/20003"),
    ("TWILIO", {**TOKEN, "accountSid": OTHER}, TWILIO_REFUSES, "invalid", [ACCOUNT], ["Only"],
     DOCS + "iam/api/subaccounts: only the main account's credentials do for a subaccount"),
    ("TWILIO", API_KEY, NOT_ALLOWED, "insufficient", [ACCOUNT], ["Only"],
     DOCS + "api/errors/70051: the credentials do not belong to the given account"),
    ("TWILIO", API_KEY, (400, {"code": 90002}), "inconclusive", ["the account SID"], ["Only"],
     "https://github.com/twilio/twilio-ruby/issues/478"),
    ("TWILIO", API_KEY, (404, {"code": 1}), "inconclusive", [ACCOUNT], ["Only"],
     "made up: an answer that nobody expects"),
    ("TWILIO", API_KEY, (503, ""), "inconclusive", [], [ACCOUNT], "made up: a failure"),
    ("TWILIO", API_KEY, (429, ""), "inconclusive", [], [ACCOUNT], DOCS + "api/errors/20429"),
    ("SENDGRID", KEY, SG_REFUSED, "invalid", [], ["setting", "Only"], "OpenAPI document"),
    ("SENDGRID", {**KEY, "onBehalfOf": "shop"}, SG_REFUSED, "invalid", [SUBUSER], ["Only"],
     "https://github.com/sendgrid/sendgrid-php/issues/833: of a subuser"),
    ("SENDGRID", {**KEY, "onBehalfOf": "shop"}, SG_FORBIDDEN, "insufficient", [SUBUSER], ["Only"],
     DOCS + "sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/on-behalf-of"),
    ("SENDGRID", {**KEY, "onBehalfOf": "shop"}, SG_UNKNOWN, "inconclusive", [SUBUSER], ["Only"],
     "no source for what an unknown subuser gets; it blames no key"),
    ("SENDGRID", {**KEY, "onBehalfOf": "shop"}, SG_NO_MAIL, "insufficient", [], [SUBUSER],
     "the answer is about the scopes of the key"),
    ("SENDGRID", {**KEY, "onBehalfOf": "shop"}, SG_ADDRESS, "inconclusive", [], [SUBUSER],
     "https://github.com/sklarsa/django-sendgrid-v5/issues/11"),
    ("SENDGRID", {**KEY, "region": "EU"}, SG_FORBIDDEN, "insufficient", [ONLY_EU], [SUBUSER],
     "https://github.com/Jericho/StrongGrid/issues/556"),
    ("SENDGRID", {**KEY, "region": "EU"}, SG_NO_MAIL, "insufficient", [], ["Only"],
     "the region knows the key"),
]  # fmt: skip


@pytest.mark.parametrize("row", NAMED, ids=[f"{row[0]} {n}" for n, row in enumerate(NAMED)])
async def test_a_refusal_names_the_setting_that_may_cause_it(script: Script, row: Named) -> None:
    type_, values, answer, outcome, said, unsaid, source = row
    secrets = {name: Secret(value.encode()) for name, value in values.items()}

    verdict = (await script.check(type_, answer, values=secrets)).verdict

    detail = verdict.text(ENGLISH)
    assert verdict.outcome == outcome, source
    assert [words for words in said if words not in detail] == []
    assert [words for words in unsaid if words in detail] == []


async def test_a_stored_detail_is_translated_with_its_reason(script: Script) -> None:
    values = {**API_KEY, "region": "US1"}
    secrets = {name: Secret(value.encode()) for name, value in values.items()}
    verdict = (await script.check("TWILIO", TWILIO_REFUSES, values=secrets)).verdict

    for language in load_catalogues().languages.values():
        assert language.filled_text(verdict.text(ENGLISH)) == verdict.text(language)
