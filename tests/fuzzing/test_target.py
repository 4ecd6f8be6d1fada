"""The checks can fail: each broken promise is reported."""

import time
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldProblem
from tests.fuzzing.target import FindingError, Target, leaked_substrings, require


def refuse(data: bytes) -> None:
    message = f"this is wrong: {data.decode()}"
    raise ValueError(message)


def target_of(
    read: Callable[[bytes], object],
    refusals: tuple[type[Exception], ...] = (),
    *,
    known: tuple[str, ...] = (),
    discreet: bool = True,
) -> Target:
    """Return a target that does *read*."""
    return Target(
        name="t", read=read, refusals=refusals, examples=(b"",), known=known, discreet=discreet
    )


def test_what_is_taken_and_what_is_refused_is_told_apart() -> None:
    target = target_of(int, refusals=(ValueError,))

    assert target.feed(b"12")
    assert not target.feed(b"twelve")


def test_an_error_that_is_no_refusal_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        target_of(lambda _: 1 / 0, refusals=(ValueError,)).feed(b"")


def test_a_refusal_that_repeats_its_input_is_a_finding() -> None:
    target = target_of(refuse, refusals=(ValueError,))

    with pytest.raises(FindingError, match=r"repeats its input: 'SG\.secret'"):
        target.feed(b"SG.secret")


@pytest.mark.parametrize("data", [b"SG.se", b"senderEmail", b"a known, text"])
def test_a_few_characters_a_plain_name_and_what_is_known_may_be_repeated(data: bytes) -> None:
    assert not target_of(refuse, refusals=(ValueError,), known=("a known, text",)).feed(data)


NOT_KNOWN = FieldProblem("UNKNOWN_FIELD", "This field is not known")


@pytest.mark.parametrize(
    ("name", "problem", "data", "is_found"),
    [
        ("user_7", NOT_KNOWN, b"user_7 UNKNOWN", False),
        ("user_7", NOT_KNOWN, b"This field is not known", False),
        ("user%7%7", NOT_KNOWN, b"user%7%7", True),
        ("user_7", FieldProblem("WRONG", "Not user%7%7"), b"user%7%7", True),
        ("user_7", FieldProblem("WRONG", "Not", {"name": "user%7%7"}), b"user%7%7", True),
    ],
)
def test_a_detail_repeats_nothing_but_messages_of_the_catalogue(
    name: str, problem: FieldProblem, data: bytes, *, is_found: bool
) -> None:
    def read(_: bytes) -> None:
        raise InvalidFieldsError([(name, problem)])

    with pytest.raises(FindingError) if is_found else nullcontext():
        target_of(read, refusals=(InvalidFieldsError,)).feed(data)


def test_a_plain_name_of_more_than_32_characters_may_not() -> None:
    with pytest.raises(FindingError, match="repeats"):
        target_of(refuse, refusals=(ValueError,)).feed(b"n" * 33)


def test_what_holds_no_secret_may_be_told_in_full() -> None:
    assert not target_of(refuse, refusals=(ValueError,), discreet=False).feed(b"SG.secret")


def test_a_parser_that_takes_long_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 1.5])
    monkeypatch.setattr(time, "process_time", lambda: next(ticks))

    with pytest.raises(FindingError, match=r"took 1\.5 s for 3 bytes"):
        target_of(len).feed(b"abc")


def test_runs_are_as_long_as_can_be() -> None:
    text, source = "<12345678> and <abcdefghij>", "abcdefghij 1234567 12345678"

    assert [*leaked_substrings(text, source)] == ["12345678", "abcdefghij"]


def test_a_promise_that_does_not_hold_is_a_finding() -> None:
    require(holds=True, promise="kept")
    with pytest.raises(FindingError, match="one cursor, one text"):
        require(holds=False, promise="one cursor, one text")


def test_the_details_of_an_answer_are_looked_at_too() -> None:
    def refuse_in_detail(data: bytes) -> None:
        raise InvalidFieldsError([(None, FieldProblem("CODE", "Wrong", {"limit": data.decode()}))])

    target = target_of(refuse_in_detail, (InvalidFieldsError,))

    assert not target.feed(b"plain_name")
    with pytest.raises(FindingError, match="repeats its input"):
        target.feed(b"SG.secret")
