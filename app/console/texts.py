"""Texts and times of a page, in the language of its path."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from app.locales.catalogues import Language
from app.locales.formatting import (
    Direction,
    day_name,
    direction,
    elapsed_time,
    exact_time,
    join_words,
    language_name,
)

# What a person wrote stands in a text of another direction without turning it (Unicode, UAX 9).
ISOLATED = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"

FIELDS = {
    "name": "Name",
    "type": "Provider",
    "channel": "Channel",
    "isActive": "State",
    "senderEmail": "Sender email",
    "senderName": "Sender name",
    "senderPhone": "Sender phone",
    "vapidPublicKey": "VAPID public key",
    "integrationId": "Connection",
    "apiKey": "API key",
    "apiSecret": "API secret",
    "vapidPrivateKey": "VAPID private key",
}
# A name as the API has it, and people do not say it: in two words, or of a setting.
NAME = re.compile(r"\bsettings\.\w+|\b[a-z]+(?:[A-Z][a-z]+)+\b")
SETTING = "settings."  # how the names of settings begin
JUST_NOW = timedelta(seconds=10)


class Texts(Struct, frozen=True):
    """The texts of a page; *locale* is the path's, which may be longer than the language's tag."""

    language: Language
    locale: str
    now: datetime

    @property
    def tag(self) -> str:
        """The tag of the language."""
        return self.language.tag

    @property
    def direction(self) -> Direction:
        """The direction in which the language is written."""
        return direction(self.tag)

    def text(self, message: str, **values: str | int) -> str:
        """Return *message*, given in English, with *values* in the place of their names."""
        isolated = {name: ISOLATED.format(value) for name, value in values.items()}
        return self.language.text(message, **isolated)

    def ago(self, timestamp: str) -> str:
        """Return how long ago the *timestamp* of the API is."""
        moment = parse_time(timestamp)
        if abs(self.now - moment) < JUST_NOW:
            return self.text("just now")
        return elapsed_time(self.tag, moment, self.now)

    def exact(self, timestamp: str) -> str:
        """Return the *timestamp* of the API to the second."""
        return exact_time(self.tag, parse_time(timestamp))

    def day(self, timestamp: str) -> str:
        """Return the day of the *timestamp* of the API, in UTC."""
        return day_name(self.tag, parse_time(timestamp).date())

    def join(self, words: Sequence[str]) -> str:
        """Return *words* as a list in a sentence."""
        return join_words(self.tag, words)

    def stored(self, message: str) -> str:
        """Return *message*, which the log holds in English, in this language."""
        return self.language.filled_text(message)

    def in_words(self, text: str, labels: Mapping[str, str]) -> str:
        """Return *text* of the API with *labels*, or else our words, for the names of fields."""

        def word(found: re.Match[str]) -> str:
            name = found[0].removeprefix(SETTING)
            known = labels.get(name) or labels.get(f"{SETTING}{name}")
            if known is None and name in FIELDS:
                known = self.text(FIELDS[name])
            return ISOLATED.format(known) if known else found[0]

        return NAME.sub(word, text)

    def language_name(self, tag: str) -> str:
        """Return the name of the language *tag* in itself."""
        return language_name(tag)


def parse_time(timestamp: str) -> datetime:
    """Return the *timestamp* of the API as a time."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)
