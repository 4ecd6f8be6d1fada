"""What is around a pasted value, and what it stands for."""

import json
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wrappings import Wrapping, base64_text, readings, unwrap
from tests.support.thread_time import least_quiet_ms

KEY = "SG.abc"
Q, S, V = Wrapping.QUOTES, Wrapping.SCHEME, Wrapping.VARIABLE


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
        *(
            (form.format(KEY), {Q})
            for form in ("{},", "{};", "{},;", "<{}>", "({})", "[{}]", "{{{}}}")
        ),
        (f"( {KEY} ),", {Q}),
        (f"apiKey:{KEY}", {V}),
        (f"SENDGRID_API_KEY:{KEY},", {V, Q}),
        (f"token:'{KEY}'", {V, Q}),
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
        "[1, 2, 3]",
        "Passw0rd)",
        "monkey-business:and-more",
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


HOSTILE = [
    *("\\" * 8_000, '"' * 8_000, "A" * 8_000, '{\\"' * 2_700, "=" * 8_000, "`" * 8_000),
    *("```" + " \n" * 4_000, "a: |" + "\n" * 8_000 + "=", "data:" * 1_600, "```json " * 1_000),
    *(
        "\\n" * 4_000,
        "%20" * 2_600 + "x",
        "a " * 4_000,
        "{[" * 4_000,
        "-e " * 2_600,
        "key:" * 2_000,
    ),
    *("é" * 8_000 + " :", "बी " * 2_700 + " :", "<br " * 2_000, f"{{{'key' * 2_600}}}"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_has_few_readings(text: str) -> None:
    assert len(list(readings(text))) < 20


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_unwrapped_quickly(text: str) -> None:
    assert least_quiet_ms(lambda: unwrap(text), enough=10) <= 10


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert next(readings(text)) == text
    assert unwrap(text).wrappings <= {*Wrapping}
    base64_text(text)
