"""Times, days and lists as people of a language write them."""

from datetime import UTC, date, datetime

import pytest

from app.locales.formatting import (
    day_name,
    direction,
    elapsed_time,
    exact_time,
    join_words,
    language_name,
)

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tag", "days", "written"),
    [
        ("en", 1, "1 day ago"),
        ("en", 3, "3 days ago"),
        ("de", 3, "vor 3 Tagen"),
        ("fr", 3, "il y a 3 jours"),
        ("tr", 3, "3 gün önce"),
        # Arabic counts one, two, a few and many in different words.
        ("ar", 1, "قبل يوم واحد"),
        ("ar", 2, "قبل يومين"),
        ("ar", 3, "قبل 3 أيام"),
    ],
)
def test_a_time_that_is_over_is_told_in_words(tag: str, days: int, written: str) -> None:
    assert elapsed_time(tag, NOON.replace(day=29 - days), NOON) == written


@pytest.mark.parametrize(
    ("tag", "written"),
    [("en", "A, B, and C"), ("de", "A, B und C"), ("ar", "A وB وC"), ("tr", "A, B ve C")],
)
def test_words_stand_in_a_list(tag: str, written: str) -> None:
    assert join_words(tag, ["A", "B", "C"]) == written


@pytest.mark.parametrize("words", [[], ["API"], ["a, b"]])
def test_a_list_of_one_word_or_none_is_the_word(words: list[str]) -> None:
    assert join_words("ar", words) == "".join(words)


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "Sunday, November 29, 2026"),
        ("es", "domingo, 29 de noviembre de 2026"),
        ("ar", "الأحد، 29 نوفمبر 2026"),
    ],
)
def test_a_day_is_written_in_full(tag: str, written: str) -> None:
    assert day_name(tag, date(2026, 11, 29)) == written


def test_an_exact_time_says_that_it_is_in_utc() -> None:
    assert exact_time("de", NOON) == "29.11.2026, 12:00:00 UTC"


@pytest.mark.parametrize(
    ("tag", "name", "written"),
    [("en", "English", "ltr"), ("ar", "العربية", "rtl"), ("pt-BR", "português (Brasil)", "ltr")],
)
def test_a_language_names_itself_and_has_a_direction(tag: str, name: str, written: str) -> None:
    assert (language_name(tag), direction(tag)) == (name, written)
