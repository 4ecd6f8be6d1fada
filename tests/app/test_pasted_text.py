"""How pasted text is read: what goes at its ends, what is around it, what it stands for."""

import json
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pasted_text import (
    TRIMMED,
    Wrapping,
    base64_text,
    readings,
    shows_nothing,
    trim,
    trimmed_part,
    unwrap,
)

KEY = "SG.abc"
Q, S, V = Wrapping.QUOTES, Wrapping.SCHEME, Wrapping.VARIABLE
JUNK = st.text(alphabet=TRIMMED, max_size=20)


def test_all_that_python_calls_space_is_trimmed() -> None:
    assert {chr(n) for n in range(0x110000) if chr(n).isspace()} <= set(TRIMMED)


@pytest.mark.parametrize("emoji", ["❤️", "🏴\U000e0067\U000e0062\U000e007f"])
def test_what_an_emoji_ends_with_is_not_trimmed(emoji: str) -> None:
    assert trim(emoji) == emoji


@given(JUNK, st.text(), JUNK)
def test_junk_around_a_text_makes_no_difference(before: str, text: str, after: str) -> None:
    assert trim(before + text + after) == trim(text)


@given(st.text(alphabet=st.characters() | st.sampled_from(TRIMMED)))
def test_what_is_removed_and_what_stays_are_the_whole(text: str) -> None:
    assert len(trimmed_part(text)) + len(trim(text)) == len(text)
    assert trim(trimmed_part(text)) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("\u200b\ufeff", True),
        ("\u3164", True),  # Hangul filler, the usual way to an empty name
        ("\u2800", True),
        ("\ufe0f", True),
        ("\U000e0041", True),
        ("\u180e", True),
        ("\ufffc", True),
        ("\u0301", True),  # a mark on nothing
        ("\u093f", True),
        ("\u20dd", True),
        ("\ue000", True),  # private use
        ("\U0010fffd", True),
        ("\u0378", True),  # not assigned
        ("\uffff", True),
        ("\U00050000", True),
        ("\x07", True),
        ("\ue000\u0301 \u3164", True),
        ("a\u3164", False),
        ("e\u0301", False),
        ("कि", False),
        ("\U0001fae9", False),  # emoji of Unicode 16, which this Python may not know
        ("\U000323b0", False),  # ideographs of Unicode 17
        ("§", False),
        ("👨\u200d👩", False),
    ],
)
def test_a_text_of_invisible_characters_shows_nothing(text: str, *, expected: bool) -> None:
    assert shows_nothing(text) is expected


@pytest.mark.parametrize(
    ("text", "wrappings"),
    [
        (f'"{KEY}"', {Q}),
        (f"'{KEY}'", {Q}),
        (f"`{KEY}`", {Q}),
        (f"“{KEY}”", {Q}),
        (f"„{KEY}“", {Q}),
        (f"« {KEY} »", {Q}),
        (f'"{KEY}', {Q}),
        (f"{KEY}'", {Q}),
        (f'"{KEY}",', {Q}),
        (f"Bearer {KEY}", {S}),
        (f"bearer\t{KEY}", {S}),
        (f"Authorization: Bearer {KEY}", {S}),
        (f"authorization:bearer {KEY}", {S}),
        (f"Authorization=Bearer {KEY}", {S}),
        (f"Proxy-Authorization: Basic {KEY}", {S}),
        (f"-H 'Authorization: Bearer {KEY}'", {S, Q}),
        (f'"Authorization": "Bearer {KEY}",', {S, Q}),
        (f"Authorization: {KEY}", {V}),
        (f"KEY=Bearer {KEY}", {V, S}),
        (f"SENDGRID_API_KEY={KEY}", {V}),
        (f"export SENDGRID_API_KEY={KEY}", {V}),
        (f"export SENDGRID_API_KEY='{KEY}'", {V, Q}),
        (f'SENDGRID_API_KEY = "Bearer {KEY}";', {V, Q, S}),
        (f'$env:SENDGRID_API_KEY="{KEY}"', {V, Q}),
        (f"sendgrid.api-key: {KEY}", {V}),
        (f'"SENDGRID_API_KEY={KEY}"', {Q, V}),
        (f'"apiKey": "{KEY}",', {V, Q}),
        (f"'api_key':'{KEY}'", {V, Q}),
        (f"export const KEY = '{KEY}';", {V, Q}),
        (f"-e KEY={KEY}", {V}),
        (f"- KEY={KEY}", {V}),
    ],
)
def test_what_is_around_a_key_is_known(text: str, wrappings: set[Wrapping]) -> None:
    unwrapped = unwrap(text)

    assert unwrapped.text == KEY
    assert unwrapped.wrappings == wrappings


@pytest.mark.parametrize(
    "key",
    [
        "",
        KEY,
        "bearer",
        "AAAAabcdefg:" + "A" * 140,  # a legacy server key of FCM
        b64encode(b"k" * 31).decode(),  # padded base64: no name and value
        b64encode(b"k" * 32).decode(),
        "a" * 16 + "==",
        "-----BEGIN PRIVATE KEY-----",
        '{"type": "service_account"}',
    ],
)
def test_a_key_alone_is_not_wrapped(key: str) -> None:
    assert unwrap(key).wrappings == frozenset()


JSON = '{"a": "x\\ny", "b": ["1", "2"]}'


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"'{JSON}'",
        json.dumps(JSON),
        f"KEY='{JSON}'",
        json.dumps(json.dumps(JSON)),
        JSON.replace("\\", "\\\\").replace('"', '\\"'),
        b64encode(JSON.encode()).decode(),
        urlsafe_b64encode(JSON.encode()).decode().rstrip("="),
        b64encode(b"\xef\xbb\xbf" + JSON.encode()).decode(),
        f'"{b64encode(JSON.encode()).decode()}"',
        b64encode(b64encode(JSON.encode())).decode(),
        f"```json\n{JSON}\n```",
        f"data:application/json;base64,{b64encode(JSON.encode()).decode()}",
        f"data:,{JSON}",
        b64encode(JSON.encode()).decode()[:20] + "\n" + b64encode(JSON.encode()).decode()[20:],
    ],
)
def test_a_document_is_among_its_readings(text: str) -> None:
    assert JSON in list(readings(text))


@pytest.mark.parametrize(
    "text",
    [
        *("\\" * 8_000, '"' * 8_000, "A" * 8_000, '{\\"' * 2_700, "=" * 8_000, "`" * 8_000),
        *("```" + " \n" * 4_000, "a: |" + "\n" * 8_000 + "=", "data:" * 1_600, "```json " * 1_000),
    ],
)
def test_hostile_text_has_few_readings(text: str) -> None:
    assert len(list(readings(text))) < 20


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert next(readings(text)) == text
    assert unwrap(text).wrappings <= {*Wrapping}
    base64_text(text)
