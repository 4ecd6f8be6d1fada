"""Says whether a value is what a provider's field takes, or something else."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import cast

from app.pasted_text import trim
from app.providers.google_service_account import mentions_account
from app.providers.provider_file import ValueCondition
from app.stand_ins import STAND_IN
from app.wrappings import UnwrappedText, Wrapping, base64_text, readings, unwrap
from domain.provider import (
    FieldCondition,
    FieldLookalike,
    Lookalike,
    Provider,
    ProviderField,
    ProviderFieldName,
    ProviderSetting,
)

WORDS = tuple("z" * length for length in range(1, 20))  # too short to be a key by the form alone
# A command, a link with a password, or names with values: keys stand in them, and no key has them
# in it. Other links, and the names of secrets in vaults (arn:…:secret:…), hold none.
REQUEST = re.compile(
    r"(?:^|\s)-(?:[udH]|-user|-data[\w-]*|-header)[\s=]|\bcurl\s"
    r"|(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s/?#@]+@"
    r"|(?<!:)(?:key|secret|token|password|pwd)[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}\S",
    re.IGNORECASE,
)
PAIR: tuple[ProviderFieldName, ...] = ("apiKey", "apiSecret")
PAIR_SIGN = r"(?:\s*[:.,;/|&]\s*|\s+)"
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")  # what no key has
KEY_NAME = re.compile("key|secret|token|pass", re.IGNORECASE)


class PastedValue:
    """A text, and what it may stand for, which is found out once: a long text takes its time."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def readings(self) -> tuple[str, ...]:
        """The text itself, and what it is in other notations."""
        return tuple(readings(trim(self.text)))

    @cached_property
    def unwrapped(self) -> UnwrappedText:
        """The text without quotes and the like around it, and what these were."""
        return unwrap(self.text)


Given = Mapping[str, PastedValue]
"""Values by the names of their fields and settings."""


def find_lookalike(value: PastedValue, field: ProviderField) -> Lookalike | None:
    """Return what *value* is instead of one of *field*; None if it may be one."""
    return next(
        (
            each
            for each in field.lookalikes
            if each.when is None
            and any(re.search(each.pattern, reading) for reading in value.readings)
        ),
        None,
    )


def find_mixed_kinds(given: Given, provider: Provider) -> Iterator[tuple[str, FieldLookalike]]:
    """Yield the fields whose value is of another kind than the value that stands next to it.

    The secret of an API key next to the id of an account, say, which needs its own token.
    """
    for name, field in provider.fields.items():
        for each in field.lookalikes:
            if each.when is None or name not in given or each.when.field not in given:
                continue
            is_other_kind = re.search(each.pattern, given[name].unwrapped.text)
            if is_other_kind and condition_holds(each.when, given[each.when.field].text):
                yield name, each


def matches_format(value: PastedValue, field: ProviderField) -> bool:
    """Return whether *value*, as it is read, has the format of *field*; no format fits all."""
    if field.format is None:
        return True
    if takes_words(field.format) and stands_for_secret(value.unwrapped.text):
        return False
    if field.document:
        return any(re.fullmatch(field.format, reading) for reading in value.readings)
    read = value.unwrapped.text if wrappings_of(value, field) else value.text
    return re.fullmatch(field.format, read) is not None


def stands_for_secret(text: str) -> bool:
    """Return whether *text* is no secret of any form, but a stand-in, or base64 of a text."""
    inner = base64_text(text) or " "
    return STAND_IN.search(text) is not None or not UNPRINTABLE.search(inner)


def wrappings_of(value: PastedValue, field: ProviderField | None) -> frozenset[Wrapping]:
    """Return what *value* of *field* is wrapped in; a chosen secret (`Aa1=Bb2Cc3`) in nothing.

    What is around a document means nothing.
    """
    if field and field.document:
        return frozenset()
    found = value.unwrapped.wrappings
    if field is None or field.format is None or not takes_words(field.format):
        return found
    is_named = KEY_NAME.search(value.text) or Wrapping.VARIABLE not in found
    has_sign = "=" in value.text and not is_named
    return frozenset() if has_sign and re.fullmatch(field.format, value.text) else found


def find_owner(name: str, given: Given, provider: Provider) -> str | None:
    """Return which other field of *provider* the value of *name* looks like; None if no other.

    A field that has a right value already is not looked for; one that takes words, only if the two
    values are swapped. It may be a setting that these credentials need.
    """
    value, own = given[name], provider.fields.get(cast("ProviderFieldName", name))
    if own and is_of_field(value, own):
        return None
    for other, field in provider.fields.items():
        if other == name or field.format is None or not is_of_field(value, field):
            continue
        holder = given.get(other)
        is_free = holder is None or not is_of_field(holder, field)
        is_swapped = own and holder and is_of_field(holder, own)
        is_meant = is_swapped if own and takes_words(field.format) else is_free
        if is_meant:
            return other
    needed = (n for n, setting in provider.settings.items() if is_needed(setting, given))
    return next(
        (
            f"settings.{setting}"
            for setting in needed
            if setting not in given and is_of_setting(value, provider.settings[setting])
        ),
        None,
    )


def is_of_field(value: PastedValue, field: ProviderField) -> bool:
    """Return whether *value* looks like one of *field*, whole or not."""
    if field.document:
        return matches_format(value, field) or mentions_account(value.readings)
    return matches_format(value, field) and not UNPRINTABLE.search(value.unwrapped.text)


def is_of_setting(value: PastedValue, setting: ProviderSetting) -> bool:
    """Return whether *value* has the format of *setting*."""
    return bool(setting.format and re.fullmatch(setting.format, value.unwrapped.text))


def is_needed(setting: ProviderSetting, given: Given) -> bool:
    """Return whether the credentials among *given* need *setting*."""
    condition = setting.required_when
    value = given.get(condition.field) if condition else None
    return condition is not None and condition_holds(condition, value and value.text)


def condition_holds(condition: FieldCondition | ValueCondition, text: str | None) -> bool:
    """Return whether *condition* holds for *text*, the value of its field or setting."""
    return text is not None and bool(re.fullmatch(condition.format, unwrap(text).text))


def holds_more_than_key(value: PastedValue, field: ProviderField, provider: Provider) -> bool:
    """Return whether *value* of *field* has something else in it than one key of *provider*."""
    if field.document or mentions_account(value.readings):
        return False
    if is_pair(value.unwrapped.text, provider):
        return True
    if field.format is None or takes_words(field.format):
        return REQUEST.search(value.unwrapped.text) is not None
    return not matches_format(value, field) and contains_key(value.text, field.format)


def is_pair(text: str, provider: Provider) -> bool:
    """Return whether *text* is two keys of *provider*, as in the Basic scheme: `KEY:SECRET`."""
    formats = [provider.fields[name].format for name in PAIR if name in provider.fields]
    keys = [format_ for format_ in formats if format_]
    return len(keys) == len(PAIR) and re.fullmatch(PAIR_SIGN.join(keys), text) is not None


def contains_key(text: str, format_: str) -> bool:
    """Return whether *text* has a key of a *format_* in it that makes one by the form alone."""
    return re.search(rf"(?<![^\W_])(?:{format_})(?![^\W_])", text) is not None


@cache  # the files of providers have a few; each creation asks for them
def takes_words(format_: str) -> bool:
    """Return whether a short word has the *format_*, which makes no text a key, or a setting."""
    return not format_ or any(re.fullmatch(format_, word) for word in WORDS)
