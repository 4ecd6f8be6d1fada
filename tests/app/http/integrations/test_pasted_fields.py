"""Each field of each body is read as people paste it (kinds K4, K5 and S1)."""

# ruff: noqa: RUF001 — these characters are meant

import contextlib
import json
from typing import Any
from unicodedata import normalize

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import CREDENTIALS_SCHEMA, create_schema, update_schema
from app.http.integrations.warnings import find_warnings
from app.http.request_bodies import BodySchema
from app.http.types import attributes_by_json_name
from app.pasted_text import TRIMMED
from app.providers.registry import load_providers
from app.secrets.secret import Secret
from tests.support.thread_time import least_quiet_ms

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
SCHEMAS: dict[str, BodySchema[Any]] = {
    "create": CREATE,
    "change": update_schema(PROVIDERS),
    "credentials": CREDENTIALS_SCHEMA,
}
PUBLIC = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
PATH = "/en/api/integration"
SG = "SG." + "a" * 22 + "." + "b" * 43
VALUES = {
    "name": "Zoë",
    "type": "SENDGRID",
    "channel": "EMAIL",
    "senderName": "می‌خواهم",
    "senderEmail": "noreply@example.com",
    "senderPhone": "+447700900000",
    "vapidPublicKey": PUBLIC,
    "apiKey": SG,
    "apiSecret": "0123456789abcdef",
    "vapidPrivateKey": "a private key, which is none",
}
FIELDS = [
    (body, field) for body, schema in SCHEMAS.items() for field in VALUES if field in schema.rules
]
JUNK = st.text(alphabet=TRIMMED, max_size=30)


def body_with(body: str, field: str, value: str) -> bytes:
    """Return a body of the kind *body* whose *field* is *value*, as JSON."""
    base = {n: VALUES[n] for n in ("name", "type", "channel")} if body == "create" else {}
    return json.dumps(base | {field: value}).encode()


def read(body: str, field: str, value: str) -> object:
    """Return *field* of the body as it is read; a secret as its text."""
    parsed: Struct = SCHEMAS[body].read(body_with(body, field, value))
    result = getattr(parsed, attributes_by_json_name(type(parsed))[field])
    return result.reveal().decode() if isinstance(result, Secret) else result


def codes(body: str, field: str, value: str) -> set[str]:
    """Return the codes of the errors in *field*."""
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[body].read(body_with(body, field, value))
    found = [(name, problem.code) for name, problem in refused.value.findings]
    assert {name for name, _ in found} == {field}
    return {code for _, code in found}


def warnings_of(fields: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Return field and code of the warnings about a new integration."""
    base = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}
    parsed: Struct = CREATE.read(json.dumps(base | fields).encode())
    provider = PROVIDERS[(base | fields)["type"]]
    return [(field, warning.code) for field, warning in find_warnings(parsed, provider)]


@pytest.mark.parametrize(("body", "field"), FIELDS)
@given(before=JUNK, after=JUNK)
def test_k5_junk_around_a_value_makes_no_difference(
    body: str, field: str, before: str, after: str
) -> None:
    assert read(body, field, before + VALUES[field] + after) == VALUES[field]


@pytest.mark.parametrize(("body", "field"), FIELDS)
@given(blank=st.text(alphabet=TRIMMED, max_size=60))
def test_k5_a_blank_value_is_refused(body: str, field: str, blank: str) -> None:
    empty = {"WRONG_LENGTH", "INVALID_EMAIL", "NOT_ALLOWED"}
    assert codes(body, field, blank) <= ({"INVISIBLE_TEXT", "NOT_ALLOWED"} if blank else empty)


@pytest.mark.parametrize(("body", "field"), FIELDS)
@pytest.mark.parametrize("half", ["\ud800", "a\udfff", "\ud800 b", "\ud83d\ud83d\ude00"], ids=ascii)
def test_half_of_a_surrogate_pair_is_a_control_character(body: str, field: str, half: str) -> None:
    assert codes(body, field, half) == {"CONTROL_CHARACTER"}


@pytest.mark.parametrize("body", SCHEMAS)
def test_half_of_a_surrogate_pair_is_no_name_of_a_field(body: str) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[body].read(b'{"\\ud800": 1, "settings": {"\\udfff": "x"}, "isActive": "\\ud800"}')
    found = {(name, problem.code) for name, problem in refused.value.findings}
    assert (None, "UNKNOWN_FIELD") in found


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert read("create", "name", "\U0001f600 Zoë") == "\U0001f600 Zoë"


HOSTILE = {
    "combining marks": "a" + "\u0300" * 15_500 + "\u0323" * 15_500,
    "white space": " " * 32_000 + "x" + " " * 32_000,
    "quotes": '"' * 64_000,
    "names": "A=" * 32_000,
    "base64": "A" * 64_000,
    "addresses": "<a@b>" * 12_800,
    "digits": "+" + "9" * 64_000,
    "brackets": "{[" * 32_000,
    "isolates": "\u2068" * 21_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    ("body", "field"),
    [(body, field) for body, schema in SCHEMAS.items() for field in schema.rules],
)
def test_s1_hostile_text_costs_little(body: str, field: str, text: str) -> None:
    ends = "@x.com" if field == "senderEmail" else ""
    content = body_with(body, field, text + ends)

    def read_in_vain() -> None:
        with pytest.raises(InvalidFieldsError):
            SCHEMAS[body].read(content)

    assert least_quiet_ms(read_in_vain, enough=20) <= 20


@pytest.mark.parametrize("length", [100, 253, 560])
def test_s1_an_address_of_marks_within_the_maximum_costs_little(length: int) -> None:
    address = "a" + "\u0300\u0323" * (length // 2) + "@x.com"

    def read_address() -> None:
        with contextlib.suppress(InvalidFieldsError):
            read("create", "senderEmail", address)

    assert least_quiet_ms(read_address, enough=10) <= 10


@pytest.mark.parametrize(("body", "field"), [f for f in FIELDS if f[1] in {"name", "senderName"}])
def test_names_are_stored_in_nfc(body: str, field: str) -> None:
    assert read(body, field, normalize("NFD", "Zoë Ünal Việt")) == "Zoë Ünal Việt"
    assert read(body, field, normalize("NFD", "é" * 120)) == "é" * 120


NOTHING = {
    "space": " ",
    "zero width": "\u200b",
    "braille blank": "\u2800",
    "Hangul fillers": "\u3164\u115f\u1160\uffa0",
    "Mongolian separator": "\u180e",
    "variation selectors": "\ufe0f\U000e0101",
    "tags": "\U000e0041\U000e007f",
    "joiner": "\u200d",
    "a mark": "\u0301",
    "an enclosing mark": "\u20dd",
    "a vowel sign": "\u093f",
    "private use": "\ue000",
    "not assigned": "\u0378",
    "no character": "\uffff",
    "several": " \u2800\u0301\ufe0f\ue000 ",
}


@pytest.mark.parametrize("value", NOTHING.values(), ids=NOTHING)
@pytest.mark.parametrize(
    ("body", "field"), [f for f in FIELDS if f[1] not in {"type", "channel", "senderEmail"}]
)
def test_a_value_that_shows_nothing_is_refused_as_blank(body: str, field: str, value: str) -> None:
    assert codes(body, field, value) == {"INVISIBLE_TEXT"}


def test_a_blank_value_is_called_blank() -> None:
    for field in ("name", "senderName", "senderEmail", "senderPhone", "apiKey", "vapidPrivateKey"):
        with pytest.raises(InvalidFieldsError) as refused:
            CREATE.read(body_with("create", field, " \n"))
        assert [problem.message for _, problem in refused.value.findings] == [
            "This is blank; it must contain a visible character"
        ]


EMAILS = {
    "semicolon behind": "{};",
    "comma behind": "{},",
    "several behind": "{} ;, ",
    "full stop behind": "{}.",
    "comma in front": ", {}",
    "scheme": "mailto:{}",
    "scheme in capitals": "MAILTO: {}",
    "link with a subject": "mailto:{}?subject=Hello",
    "brackets": "<{}>",
    "brackets and scheme": "<mailto:{}>;",
    "quotes": '"{}"',
    "typographic quotes": "“{}”",
    "parentheses": "({}),",
    "full-width separator": "{}；",
    "ideographic comma": "{}、",
    "invisible in brackets": "<\u200b{} >",
}


@pytest.mark.parametrize("around", EMAILS.values(), ids=EMAILS)
@pytest.mark.parametrize("body", ["create", "change"])
def test_what_people_copy_with_an_address_goes(body: str, around: str) -> None:
    assert read(body, "senderEmail", around.format("a.b+c@example.com")) == "a.b+c@example.com"


@given(st.lists(st.sampled_from([*EMAILS.values()]), max_size=4))
def test_wrappings_of_an_address_go_in_any_order(layers: list[str]) -> None:
    text = "a@example.com"
    for around in layers:
        if len(around.format(text)) < 250 and not text.lower().startswith("mailto:"):
            text = around.format(text)

    assert read("create", "senderEmail", text) == "a@example.com"


@pytest.mark.parametrize(
    "text",
    [
        *("a＠example.com", "a﹫example.com", "ａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "＜a＠example.com＞"),
        *("a@example。com", "a@example｡com"),
    ],
)
def test_full_width_signs_of_an_address_become_ascii(text: str) -> None:
    assert read("create", "senderEmail", text) == "a@example.com"


EMAIL_HINTS = [
    ("a@example.com, b@example.com", "INVALID_EMAIL", "Give one email address only"),
    ("a@example.com;b@example.com", "INVALID_EMAIL", "Give one email address only"),
    ("a@example.com b@example.com", "INVALID_EMAIL", "Give one email address only"),
    ("A <a@example.com>, B <b@example.com>", "INVALID_EMAIL", "Give one email address only"),
    ("a @example.com", "INVALID_EMAIL", "An email address contains no space"),
    ("a@ example.com", "INVALID_EMAIL", "An email address contains no space"),
    ("a @ example.com", "INVALID_EMAIL", "An email address contains no space"),
    ("no reply@example.com", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("a@exam ple.com", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("Example <a@example.com>", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("a\u200b@example.com", "INVALID_EMAIL", "This contains an invisible character; type"),
    ("example.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("mailto:", "INVALID_EMAIL", "This is not a valid email address"),
    ("<>", "INVALID_EMAIL", "This is not a valid email address"),
]


@pytest.mark.parametrize("body", ["create", "change"])
@pytest.mark.parametrize(("text", "code", "hint"), EMAIL_HINTS)
def test_a_refused_address_has_a_hint_that_fits(body: str, text: str, code: str, hint: str) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[body].read(body_with(body, "senderEmail", text))

    ((field, problem),) = refused.value.findings
    assert (field, problem.code) == ("senderEmail", code)
    assert problem.message.startswith(hint)


REFUSED = [
    ("name", "\u200b", "INVISIBLE_TEXT"),
    ("name", "\u3164", "INVISIBLE_TEXT"),
    ("name", "\u2800\u3164", "INVISIBLE_TEXT"),
    ("senderName", "\u115f\u1160", "INVISIBLE_TEXT"),
    ("senderName", "ACME\u202egnp.exe", "BIDI_CONTROL"),
    ("name", "a\u2066b\u2069c", "BIDI_CONTROL"),
    ("name", "a\u202bb", "BIDI_CONTROL"),
    ("name", "a\x00b", "CONTROL_CHARACTER"),
    ("name", "\x00a", "CONTROL_CHARACTER"),
    ("senderName", "a\r\nBcc: b", "CONTROL_CHARACTER"),
    ("vapidPublicKey", "BA\u202eBA", "BIDI_CONTROL"),
    ("vapidPublicKey", "BA\nBA", "CONTROL_CHARACTER"),
    ("senderEmail", "Example <a@example.com>", "NAME_IN_EMAIL"),
    ("senderEmail", '"Example, Inc." <a@example.com>', "NAME_IN_EMAIL"),
    ("senderEmail", "a@example.com (Example)", "NAME_IN_EMAIL"),
    ("senderEmail", "Example a@example.com", "NAME_IN_EMAIL"),
    ("senderEmail", "a@example.com, b@example.com", "INVALID_EMAIL"),
    ("senderEmail", "Example", "INVALID_EMAIL"),
    ("senderEmail", "a\u200b@example.com", "INVALID_EMAIL"),
    ("senderEmail", "a\u202e@example.com", "INVALID_EMAIL"),
]


@pytest.mark.parametrize("body", ["create", "change", "credentials"])
@pytest.mark.parametrize(("field", "value", "code"), REFUSED)
def test_k5_a_text_that_misleads_is_refused(body: str, field: str, value: str, code: str) -> None:
    if field in SCHEMAS[body].rules:
        assert codes(body, field, value) == {code}


@pytest.mark.parametrize(
    "name", ["می‌خواهم", "👨‍👩‍👧", "❤️", "🏴\U000e0067\U000e0062\U000e007f", "שלום\u200f (א)", "क्‍ष"]
)
def test_k5_joiners_and_marks_inside_a_name_stay(name: str) -> None:
    assert read("create", "name", name) == name


@pytest.mark.parametrize("body", SCHEMAS)
def test_k5_a_public_key_is_stored_in_base64url(body: str) -> None:
    standard = PUBLIC.replace("_", "/").replace("-", "+") + "="

    assert read(body, "vapidPublicKey", f" {standard}\n") == PUBLIC
    assert read(body, "vapidPublicKey", "BHn...") == "BHn..."


WARNINGS: list[tuple[str, str, list[str]]] = [
    ("line break", SG + "\n", ["SPACE_TRIMMED"]),
    ("tab and space", f"\t {SG}", ["SPACE_TRIMMED"]),
    ("no-break space", SG + "\xa0", ["SPACE_TRIMMED"]),
    ("zero-width space", "\u200b" + SG, ["INVISIBLE_TRIMMED"]),
    ("byte order mark", "\ufeff" + SG, ["INVISIBLE_TRIMMED"]),
    ("direction mark", SG + "\u200e", ["INVISIBLE_TRIMMED"]),
    ("both", f"\ufeff{SG}\r\n", ["SPACE_TRIMMED", "INVISIBLE_TRIMMED"]),
    ("double quotes", f'"{SG}"', ["LOOKS_QUOTED"]),
    ("single quotes", f"'{SG}'", ["LOOKS_QUOTED"]),
    ("typographic quotes", f"“{SG}”", ["LOOKS_QUOTED"]),
    ("Bearer", f"Bearer {SG}", ["LOOKS_LIKE_HEADER"]),
    ("header", f"Authorization: Bearer {SG}", ["LOOKS_LIKE_HEADER"]),
    ("header of curl", f"-H 'Authorization: Bearer {SG}'", ["LOOKS_QUOTED", "LOOKS_LIKE_HEADER"]),
    ("NAME=", f"SENDGRID_API_KEY={SG}", ["LOOKS_LIKE_VARIABLE"]),
    ("export", f"export KEY='{SG}'\n", ["SPACE_TRIMMED", "LOOKS_QUOTED", "LOOKS_LIKE_VARIABLE"]),
    ("space inside", SG[:30] + " " + SG[30:], ["SPACE_INSIDE"]),
    ("line break inside", SG[:30] + "\n" + SG[30:], ["SPACE_INSIDE"]),
    ("zero-width inside", SG[:30] + "\u200b" + SG[30:], ["UNUSUAL_CHARACTER"]),
    ("Cyrillic letter", SG[:-1] + "а", ["UNUSUAL_CHARACTER"]),
    ("NUL", SG[:30] + "\x00" + SG[31:], ["UNUSUAL_CHARACTER"]),
    ("the key alone", SG, []),
]


@pytest.mark.parametrize(
    ("value", "expected"), [w[1:] for w in WARNINGS], ids=[w[0] for w in WARNINGS]
)
def test_k5_each_cause_is_a_warning_of_its_own(value: str, expected: list[str]) -> None:
    assert warnings_of({"apiKey": value}) == [("apiKey", code) for code in expected]


@pytest.mark.parametrize("field", ["apiKey", "apiSecret"])
def test_k5_both_keys_of_a_provider_are_looked_at(field: str) -> None:
    keys = {"apiKey": "AC" + "0" * 32, "apiSecret": "1" * 32}
    fields = {"type": "TWILIO", "channel": "SMS", **keys, field: f'"{keys[field]}"\n'}

    assert warnings_of(fields) == [(field, "SPACE_TRIMMED"), (field, "LOOKS_QUOTED")]


def test_k5_a_vapid_pair_is_looked_at() -> None:
    pair = {"vapidPublicKey": f"'{PUBLIC}'", "vapidPrivateKey": "\ufeffKEY=abc"}
    fields = {"type": "WEB_PUSH", "channel": "PUSH", **pair}

    assert warnings_of(fields) == [
        ("vapidPrivateKey", "INVISIBLE_TRIMMED"),
        ("vapidPublicKey", "LOOKS_QUOTED"),
        ("vapidPrivateKey", "LOOKS_LIKE_VARIABLE"),
        ("vapidPrivateKey", "UNUSUAL_FORMAT"),
    ]


def test_k5_new_credentials_have_the_same_warnings() -> None:
    parsed = CREDENTIALS_SCHEMA.read(json.dumps({"apiKey": f"'{SG}'\n"}).encode())

    found = [(field, w.code) for field, w in find_warnings(parsed, PROVIDERS["SENDGRID"])]
    assert found == [("apiKey", "SPACE_TRIMMED"), ("apiKey", "LOOKS_QUOTED")]


def test_k5_what_was_pasted_is_shown_without_what_pasting_adds(client: httpx2.Client) -> None:
    """From creation to GET, and by PATCH and PUT."""
    around = "\ufeff {}\u200b\r\n"
    fields = {"type": "WEB_PUSH", "channel": "PUSH", "vapidPublicKey": PUBLIC + "="}
    body = {"name": "n", **fields, "senderName": "N", "senderEmail": "a@example.com"}

    created = client.post(PATH, json={name: around.format(value) for name, value in body.items()})
    assert created.status_code == 201
    address = f"{PATH}/{created.json()['result']['data']['id']}"
    shown = client.get(address).json()["result"]["data"]
    assert {name: shown[name] for name in body} == body | {"vapidPublicKey": PUBLIC}

    changed = client.patch(address, json={"name": around.format("m")})
    assert changed.json()["result"]["data"]["name"] == "m"
    replaced = client.put(f"{address}/credentials", json={"vapidPrivateKey": f"'{PRIVATE}'\n"})
    codes_found = [warning["code"] for warning in replaced.json()["result"]["warnings"]]
    assert codes_found == ["SPACE_TRIMMED", "LOOKS_QUOTED"]


@pytest.mark.parametrize("junk", ["\n", "\xa0", "\u200b"])
def test_k5_junk_does_not_hide_a_pair_that_does_not_match(client: httpx2.Client, junk: str) -> None:
    other = "A" * 42 + "E"
    body = {"name": "n", "type": "WEB_PUSH", "channel": "PUSH", "vapidPublicKey": PUBLIC}

    answer = client.post(PATH, json=body | {"vapidPrivateKey": other + junk})

    details = answer.json()["result"]["details"]
    assert [(d["field"], d["code"]) for d in details] == [("vapidPublicKey", "VAPID_MISMATCH")]
