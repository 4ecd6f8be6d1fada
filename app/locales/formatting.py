"""Times, days and names of languages as people of a language write them (Unicode CLDR)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.lists import format_list

Direction = Literal["ltr", "rtl"]


def direction(tag: str) -> Direction:
    """Return the direction in which the language *tag* is written."""
    return "rtl" if Locale.parse(tag, sep="-").text_direction == "rtl" else "ltr"


def language_name(tag: str) -> str:
    """Return the name of the language *tag* in this language itself, as `français`."""
    return Locale.parse(tag, sep="-").get_display_name() or tag


def elapsed_time(tag: str, moment: datetime, now: datetime) -> str:
    """Return how long before *now* the *moment* was, as `3 minutes ago`."""
    return format_timedelta(moment - now, add_direction=True, locale=tag)


def exact_time(tag: str, moment: datetime) -> str:
    """Return the *moment* to the second in UTC, as `Nov 29, 2026, 4:20:05 PM UTC`."""
    return f"{format_datetime(moment.astimezone(UTC), 'medium', locale=tag)} UTC"


def day_name(tag: str, day: date) -> str:
    """Return the *day* in full, as `Sunday, November 29, 2026`."""
    return format_date(day, "full", locale=tag)


def join_words(tag: str, words: Sequence[str]) -> str:
    """Return *words* as a list in a sentence, as `API key and API secret`."""
    return format_list(words, locale=tag)
