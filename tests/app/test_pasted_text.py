"""What goes at the ends of a pasted text, and which texts show nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pasted_text import TRIMMED, shows_nothing, strip_hidden, trim, trimmed_part
from tests.support.thread_time import least_quiet_ms

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


SEEN_AND_HIDDEN = st.text(
    "aé7م❤葛🏴\u200d\u200c\ufe0f\ufe0e\u20e3\u200b\u034f\U000e0067\U000e007f", max_size=40
)


@given(SEEN_AND_HIDDEN)
def test_what_has_no_hidden_characters_is_left_as_it_is(text: str) -> None:
    shown = strip_hidden(text)

    assert strip_hidden(shown) == shown
    assert "".join(c for c in shown if c in "aé7م❤葛") == "".join(c for c in text if c in "aé7م❤葛")


@pytest.mark.parametrize(
    "text",
    [
        "\u200d\ufe0f" * 4_000,
        "م" + "\u200d\u200b" * 4_000,
        "é\u200d" * 4_000,
        "\U0001f3f4\U000e0067" * 4_000,
    ],
    ids=ascii,
)
def test_hidden_characters_are_found_quickly(text: str) -> None:
    assert least_quiet_ms(lambda: strip_hidden(text), enough=20) <= 20
