"""Each field of each body is read as people paste it."""

# ruff: noqa: RUF001 — these characters are meant

import contextlib
import json
from unicodedata import normalize

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import CREDENTIALS_SCHEMA
from app.http.integrations.warnings import find_warnings
from app.pasted_text import TRIMMED
from tests.support.pasted_bodies import (
    CREATE,
    FIELDS,
    PATH,
    PRIVATE,
    PROVIDERS,
    PUBLIC,
    SCHEMAS,
    SG,
    VALUES,
    body_with,
    codes,
    read,
    warnings_of,
)
from tests.support.thread_time import least_quiet_ms

JUNK = st.text(alphabet=TRIMMED, max_size=30)


@pytest.mark.parametrize(("body", "field"), FIELDS)
@given(before=JUNK, after=JUNK)
def test_junk_around_a_value_makes_no_difference(
    body: str, field: str, before: str, after: str
) -> None:
    assert read(body, field, before + VALUES[field] + after) == VALUES[field]


@pytest.mark.parametrize(("body", "field"), FIELDS)
@given(blank=st.text(alphabet=TRIMMED, max_size=60))
def test_a_blank_value_is_refused(body: str, field: str, blank: str) -> None:
    empty = {"WRONG_LENGTH", "INVALID_EMAIL", "NOT_ALLOWED"}
    assert codes(body, field, blank) <= ({"INVISIBLE_TEXT", "NOT_ALLOWED"} if blank else empty)


@pytest.mark.parametrize(("body", "field"), FIELDS)
def test_half_of_a_surrogate_pair_is_a_control_character(body: str, field: str) -> None:
    for half in ("\ud800", "a\udfff", "\ud800 b", "\ud83d\ud83d\ude00"):
        assert codes(body, field, half) == {"CONTROL_CHARACTER"}, ascii(half)


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
    "names of secrets": "token=" * 10_000,
    "base64": "A" * 64_000,
    "addresses": "<a@b>" * 12_800,
    "digits": "+" + "9" * 64_000,
    "brackets": "{[" * 32_000,
    "isolates": "\u2068" * 21_000,
}


@pytest.mark.parametrize(
    ("body", "field"),
    [(body, field) for body, schema in SCHEMAS.items() for field in schema.rules],
)
def test_hostile_text_costs_little(body: str, field: str) -> None:
    ends = "@x.com" if field == "senderEmail" else ""

    def ms_of(text: str) -> float:
        content = body_with(body, field, text + ends)

        def read_in_vain() -> None:
            with pytest.raises(InvalidFieldsError):
                SCHEMAS[body].read(content)

        return least_quiet_ms(read_in_vain, enough=20)

    assert {name: ms for name, text in HOSTILE.items() if (ms := ms_of(text)) > 20} == {}


@pytest.mark.parametrize("length", [100, 253, 560])
def test_an_address_of_marks_within_the_maximum_costs_little(length: int) -> None:
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


@pytest.mark.parametrize(
    ("body", "field"), [f for f in FIELDS if f[1] not in {"type", "channel", "senderEmail"}]
)
def test_a_value_that_shows_nothing_is_refused_as_blank(body: str, field: str) -> None:
    found = {name: codes(body, field, value) for name, value in NOTHING.items()}

    assert found == {name: {"INVISIBLE_TEXT"} for name in NOTHING}


def test_a_blank_value_is_called_blank() -> None:
    for field in ("name", "senderName", "senderEmail", "senderPhone", "apiKey", "vapidPrivateKey"):
        with pytest.raises(InvalidFieldsError) as refused:
            CREATE.read(body_with("create", field, " \n"))
        assert [problem.message for _, problem in refused.value.findings] == [
            "This is blank; it must contain a visible character"
        ]


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


@pytest.mark.parametrize(("field", "value", "code"), REFUSED)
def test_a_text_that_misleads_is_refused(field: str, value: str, code: str) -> None:
    found = {body: codes(body, field, value) for body, each in FIELDS if each == field}

    assert found == {body: {code} for body in found}
    assert {"create", "change"} <= {*found}


@pytest.mark.parametrize(
    "name",
    [
        *("می‌خواهم", "👨‍👩‍👧", "❤️", "🏴\U000e0067\U000e0062\U000e007f", "שלום\u200f (א)", "क्‍ष"),
        *("❤️‍🔥", "1️⃣", "#️⃣ a", "葛\U000e0100飾", "🇩🇪", "©️ 👍🏽", "ᠠ\u180b"),
    ],
)
def test_joiners_and_marks_inside_a_name_stay(name: str) -> None:
    assert read("create", "name", name) == name


HIDDEN = [
    *"\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2060\u2063\u206a\u3164\ufe0f\ufeff\uffa0",
    *"\ufff9\ufffb\ufffc\U0001bca0\U0001d173\U0001d17a\U000e0001\U000e0041\U000e007f\U000e0101",
    *("\u200b\ufe0f", "\u200d\u200b\u200d", "\ufe0f\ufe0f"),
]


@pytest.mark.parametrize(
    ("body", "field"), [f for f in FIELDS if f[1] in {"name", "senderName", "vapidPublicKey"}]
)
def test_characters_that_nobody_sees_go_from_a_public_text(body: str, field: str) -> None:
    whole = VALUES["name" if field == "senderName" else field]  # a joiner has its use in Persian
    half = len(whole) // 2
    for hidden in HIDDEN:
        text = f"{hidden}{whole[:half]}{hidden}{whole[half:]}{hidden}"
        assert read(body, field, text) == whole, ascii(hidden)


@pytest.mark.parametrize("body", ["create", "change"])
def test_an_address_with_characters_that_nobody_sees_is_refused(body: str) -> None:
    for hidden in HIDDEN:
        text = f"a{hidden}b@example.com"
        assert codes(body, "senderEmail", text) == {"INVALID_EMAIL"}, ascii(hidden)


WORDS = [
    *((sign, "This must not contain a line break") for sign in "\n\r\v\f\x85\u2028\u2029"),
    ("\t", "This must not contain a tab"),
    *((sign, "This must not contain control characters") for sign in "\0\x07\x1b\x9f"),
]


@pytest.mark.parametrize("field", ["name", "senderName", "vapidPublicKey", "settings"])
@pytest.mark.parametrize(("sign", "message"), WORDS, ids=ascii)
def test_a_control_character_is_called_by_its_name(field: str, sign: str, message: str) -> None:
    text = f"AC{sign}ME"
    value = {"contact": text} if field == "settings" else text
    content = json.dumps({"name": "n", "type": "WEB_PUSH", "channel": "PUSH", field: value})

    with pytest.raises(InvalidFieldsError) as refused:
        CREATE.read(content.encode())

    ((_, problem),) = refused.value.findings
    assert (problem.code, problem.message) == ("CONTROL_CHARACTER", message)


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
    ("a comma", f"{SG},", ["LOOKS_QUOTED"]),
    ("a semicolon", f"{SG};", ["LOOKS_QUOTED"]),
    ("angle brackets", f"<{SG}>", ["LOOKS_QUOTED"]),
    ("brackets", f"({SG})", ["LOOKS_QUOTED"]),
    ("a name", f"apiKey:{SG}", ["LOOKS_LIKE_VARIABLE"]),
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
def test_each_cause_is_a_warning_of_its_own(value: str, expected: list[str]) -> None:
    assert warnings_of({"apiKey": value}) == [("apiKey", code) for code in expected]


@pytest.mark.parametrize("character", ["\u200b", "\xad", "\ufeff", "\u2060", "\u200e", "\u3164"])
def test_a_character_that_nobody_sees_is_called_invisible(character: str) -> None:
    body = {
        "name": "n",
        "type": "SENDGRID",
        "channel": "EMAIL",
        "apiKey": SG[:9] + character + SG[9:],
    }

    [(_, warning)] = find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS["SENDGRID"])

    assert warning.code == "UNUSUAL_CHARACTER"
    assert warning.message.startswith("This contains an invisible character")


@pytest.mark.parametrize("field", ["apiKey", "apiSecret"])
def test_both_keys_of_a_provider_are_looked_at(field: str) -> None:
    keys = {"apiKey": "AC" + "0a" * 16, "apiSecret": "1b" * 16}
    fields = {"type": "TWILIO", "channel": "SMS", **keys, field: f'"{keys[field]}"\n'}

    assert warnings_of(fields) == [(field, "SPACE_TRIMMED"), (field, "LOOKS_QUOTED")]


def test_a_vapid_pair_is_looked_at() -> None:
    pair = {"vapidPublicKey": f"'{PUBLIC[:60]}'", "vapidPrivateKey": "\ufeffKEY=abz"}
    fields = {"type": "WEB_PUSH", "channel": "PUSH", **pair}

    assert warnings_of(fields) == [
        ("vapidPrivateKey", "INVISIBLE_TRIMMED"),
        ("vapidPublicKey", "LOOKS_QUOTED"),
        ("vapidPublicKey", "UNUSUAL_FORMAT"),
        ("vapidPrivateKey", "LOOKS_LIKE_VARIABLE"),
        ("vapidPrivateKey", "UNUSUAL_FORMAT"),
    ]


def test_new_credentials_have_the_same_warnings() -> None:
    parsed = CREDENTIALS_SCHEMA.read(json.dumps({"apiKey": f"'{SG}'\n"}).encode())

    found = [(field, w.code) for field, w in find_warnings(parsed, PROVIDERS["SENDGRID"])]
    assert found == [("apiKey", "SPACE_TRIMMED"), ("apiKey", "LOOKS_QUOTED")]


def test_what_was_pasted_is_shown_without_what_pasting_adds(client: httpx2.Client) -> None:
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
def test_junk_does_not_hide_a_pair_that_does_not_match(client: httpx2.Client, junk: str) -> None:
    other = "A" * 42 + "E"
    body = {"name": "n", "type": "WEB_PUSH", "channel": "PUSH", "vapidPublicKey": PUBLIC}

    answer = client.post(PATH, json=body | {"vapidPrivateKey": other + junk})

    details = answer.json()["result"]["details"]
    assert [(d["field"], d["code"]) for d in details] == [("vapidPublicKey", "VAPID_MISMATCH")]
