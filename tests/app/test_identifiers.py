"""Ids of integrations: `int_` and a UUIDv7 in base32 (TypeID)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers import is_integration_id, new_integration_id

LARGEST = "int_7zzzzzzzzzzzzzzzzzzzzzzzzz"
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32, as the TypeID spec has it


def uuid_in(integration: str) -> UUID:
    """Return the UUID in an id, by hand."""
    number = 0
    for digit in integration.removeprefix("int_"):
        number = number * 32 + DIGITS.index(digit)
    return UUID(int=number)


def base32(number: int) -> str:
    """Return *number* in 26 digits."""
    return "".join(DIGITS[number >> 5 * place & 31] for place in reversed(range(26)))


def test_a_new_id_has_the_form_of_one_and_is_a_uuid_of_version_7() -> None:
    new = new_integration_id()
    assert is_integration_id(new)
    uuid = uuid_in(new)
    assert uuid.version == 7
    made = datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
    assert abs((datetime.now(UTC) - made).total_seconds()) < 5


def test_ids_are_all_different_and_sort_by_the_millisecond() -> None:
    ids = [new_integration_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    milliseconds = [uuid_in(new).int >> 80 for new in sorted(ids)]
    assert milliseconds == sorted(milliseconds)


@pytest.mark.parametrize("text", ["int_" + "0" * 26, LARGEST, "int_01h455vb4pex5vsknk084sn02q"])
def test_what_has_the_form_of_an_id(text: str) -> None:
    assert is_integration_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int_",
        "int_" + "0" * 25,
        "int_" + "0" * 27,
        "int_8" + "0" * 25,
        LARGEST.upper(),
        "INT_" + "0" * 26,
        "user_" + "0" * 26,
        "int_0" + "i" * 25,
        "int_0" + "l" * 25,
        "int_0" + "o" * 25,
        "int_0" + "u" * 25,
        "int_" + "0" * 26 + "\n",
        " int_" + "0" * 26,
        "int_" + "\N{ARABIC-INDIC DIGIT ZERO}" * 26,
        "int_" + "0" * 25 + "\0",
    ],
)
def test_what_has_not(text: str) -> None:
    assert not is_integration_id(text)


@given(st.uuids())
def test_every_uuid_makes_an_id(uuid: UUID) -> None:
    assert is_integration_id("int_" + base32(uuid.int))
