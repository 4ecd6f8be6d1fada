"""The keyring file's text: written once, read for ever, refused whole where anything is odd."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.secrets.errors import KeyringError
from app.secrets.keyring_file import decode_keyring, encode_keyring, new_kek
from app.secrets.secret import Secret

PATH = Path("/somewhere/keyring.json")
FIRST_KEY, SECOND_KEY = bytes(range(32)), bytes(range(32, 64))
FILE = """{
  "version": 1,
  "keks": [
    {
      "id": "kek-1-00c0ffee",
      "state": "retired",
      "createdAt": "2026-11-01T09:00:00Z",
      "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    },
    {
      "id": "kek-2-0ddba11a",
      "state": "current",
      "createdAt": "2026-12-01T09:00:00Z",
      "key": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
    }
  ]
}
"""
KEY_TEXTS = [json.loads(FILE)["keks"][place]["key"] for place in (0, 1)]


def test_a_file_of_version_1_is_read_for_ever() -> None:
    first, second = decode_keyring(Secret(FILE.encode()), PATH)
    assert (first.id, first.state, first.key) == ("kek-1-00c0ffee", "retired", Secret(FIRST_KEY))
    assert (second.id, second.state) == ("kek-2-0ddba11a", "current")
    assert second.key == Secret(SECOND_KEY)
    assert second.created_at == datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_what_was_read_is_written_as_it_was() -> None:
    assert encode_keyring(*decode_keyring(Secret(FILE.encode()), PATH)).reveal().decode() == FILE


def test_a_new_kek_is_current_fresh_and_has_32_bytes() -> None:
    one, other = new_kek(epoch=3), new_kek(epoch=3)
    assert one.state == "current"
    assert len(one.key.reveal()) == 32
    assert one.key != other.key
    assert one.id != other.id
    assert re.fullmatch("kek-3-[0-9a-f]{8}", one.id)
    assert datetime.now(UTC) - one.created_at < timedelta(minutes=1)


def test_the_id_of_a_kek_is_no_part_of_its_key() -> None:
    for kek in (new_kek(epoch=1) for _ in range(50)):
        assert kek.id.rpartition("-")[2] not in kek.key.reveal().hex()


def test_a_kek_prints_without_its_key() -> None:
    kek = replace(new_kek(epoch=1), key=Secret(FIRST_KEY))
    assert "key=Secret(***)" in repr(kek)
    assert repr(FIRST_KEY) not in repr(kek)


def changed(**values: object) -> str:
    """The file with these values in its second KEK, or without those that are None."""
    file = json.loads(FILE)
    file["keks"][1] |= values
    file["keks"][1] = {name: it for name, it in file["keks"][1].items() if it is not None}
    return json.dumps(file)


BROKEN = "is empty, broken or not of version 1"
ONE_CURRENT = "does not hold exactly one current key"
WRONG_LENGTH = "holds a key that is not 32 bytes long"
REFUSED: dict[str, tuple[str, str]] = {
    "an endless epoch": (FILE.replace("kek-2-", f"kek-{'2' * 5000}-"), BROKEN),
    "nothing": ("", BROKEN),
    "white space": ("\n \n", BROKEN),
    "half a file": (FILE[:200], BROKEN),
    "no JSON": (KEY_TEXTS[0], BROKEN),
    "a list": ("[]", BROKEN),
    "two files": (FILE + FILE, BROKEN),
    "endless depth": (changed(key="x").replace('"x"', "[" * 100_000), BROKEN),
    "no version": (FILE.replace('"version": 1,', ""), BROKEN),
    "a later version": (FILE.replace('"version": 1', '"version": 2'), BROKEN),
    "an unknown field": (changed(note=KEY_TEXTS[0]), BROKEN),
    "no key": (changed(key=None), BROKEN),
    "a key that is a number": (changed(key=5), BROKEN),
    "a key that is no base64": (changed(key="!" + KEY_TEXTS[0]), BROKEN),
    "a key without its padding": (changed(key=KEY_TEXTS[0].rstrip("=")), BROKEN),
    "a key as the state": (changed(state=KEY_TEXTS[0]), BROKEN),
    "a key as the id": (changed(id=KEY_TEXTS[0]), BROKEN),
    "an id of epoch 0": (changed(id="kek-0-00c0ffee"), BROKEN),
    "an id with a line break": (changed(id="kek-2-00c0ffee\n"), BROKEN),
    "a time without a zone": (changed(createdAt="2026-12-01T09:00:00"), BROKEN),
    "an empty key": (changed(key=""), WRONG_LENGTH),
    "a key of 31 bytes": (changed(key=b64encode(bytes(31)).decode()), WRONG_LENGTH),
    "a key of 33 bytes": (changed(key=b64encode(bytes(33)).decode()), WRONG_LENGTH),
    "no KEKs": ('{"version": 1, "keks": []}', ONE_CURRENT),
    "no current KEK": (changed(state="retired"), ONE_CURRENT),
    "two current KEKs": (FILE.replace("retired", "current"), ONE_CURRENT),
    "one id twice": (changed(id="kek-1-00c0ffee"), "holds two keys with the same id"),
}


@pytest.mark.parametrize(("text", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_file_is_refused_in_one_line_without_its_keys(
    text: str, fault: str, told_in_full: Callable[[BaseException], str]
) -> None:
    content = Secret(text.encode())
    with pytest.raises(KeyringError) as refusal:
        decode_keyring(content, PATH)
    assert str(refusal.value) == (
        f"The keyring {PATH} {fault}: put the right one back, or point INTEGRATIONS_KEYRING at it."
    )
    del text  # or the report would find it here
    report = told_in_full(refusal.value)
    for key in KEY_TEXTS:
        assert key.rstrip("=") not in report


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(field=st.sampled_from(["id", "state", "createdAt", "key"]), value=json_values)
def test_whatever_stands_in_a_field_is_read_or_refused(field: str, value: object) -> None:
    with suppress(KeyringError):
        decode_keyring(Secret(changed(**{field: value}).encode()), PATH)


@settings(max_examples=100)
@given(content=st.binary())
def test_bytes_that_are_no_json_are_refused(content: bytes) -> None:
    with pytest.raises(KeyringError):
        decode_keyring(Secret(content), PATH)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(KeyringError, match=BROKEN):
        decode_keyring(Secret(FILE.encode().replace(b"kek-1", b"kek-\xff")), PATH)
