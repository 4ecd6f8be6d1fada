"""Who an SMS is from: a number, a short code, a name, or an id of the provider's.

See docs/api.md#senders.

Numbers are read as people paste them. Which senders a provider takes, its file says.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from unicodedata import decimal

import phonenumbers
from msgspec.structs import replace

from app.http.field_rules import (
    LINE_BREAKS,
    FieldError,
    FieldProblem,
    Rule,
    control_character_problem,
    require_length,
    require_string,
)
from app.http.sender_name import EMPTY_VARIABLE, strip_variable
from app.http.text_rules import INVISIBLE_TEXT
from app.pasted_text import ASTRAL_BLANKS, BLANKS, INVISIBLES, shows_nothing, trim
from domain.provider import Provider, Providers, SenderKind

MAX_SENDER_LENGTH = 120  # characters, with all that a pasted number carries
PATTERNS: Mapping[SenderKind, str] = {
    "e164": r"\+[0-9]{6,15}",
    "short-code": "[0-9]{3,8}",
    "alphanumeric": "(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
    "whatsapp": r"whatsapp:\+[0-9]{6,15}",
}
EXAMPLES: Mapping[SenderKind, str] = {
    "e164": "+447700900123",
    "short-code": "12345",
    "alphanumeric": "ACME",
    "whatsapp": "whatsapp:+447700900123",
}
GENERAL: tuple[SenderKind, ...] = ("e164", "short-code", "alphanumeric")
SPACES_IN_LINE = r" \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
DASHES = r"\-\u2010-\u2015\u2212\u30fc\ufe58\ufe63\uff0d"
OPENING, CLOSING = r"(\[\uff08\uff3b", r")\]\uff09\uff3d"
SPACE_IN_LINE = re.compile(f"[{SPACES_IN_LINE}]")
UNSEEN = re.compile(f"[{INVISIBLES}{BLANKS}{ASTRAL_BLANKS}]")
PUNCTUATION = re.compile(rf"[{SPACES_IN_LINE}{DASHES}{OPENING}{CLOSING}./\uff0e\uff0f]")
OPTIONAL_ZERO = re.compile(f"[{OPENING}][{SPACES_IN_LINE}]*0[{SPACES_IN_LINE}]*[{CLOSING}]")
ASCII_SIGNS = str.maketrans("\uff0b\ufe62\uff1a", "++:")
# What is copied with a number, and is in none.
AROUND = ",;=<>\"'`\u201c\u201d\u2018\u2019\u201e\xab\xbb\u3001\uff0c\uff1b"
# Short codes of five and six digits are also written in two groups, such as 741-741 in the USA.
# All other digits with signs between them are a national number: 20 12 34 56, 555-1234, (02) 9876.
DASH_OR_SPACE = f"[{SPACES_IN_LINE}{DASHES}]"
WRITTEN_CODE = re.compile(
    rf"{PUNCTUATION.pattern}*(?:[0-9]+|[0-9]{{2}}{DASH_OR_SPACE}[0-9]{{3}}"
    rf"|[0-9]{{3}}{DASH_OR_SPACE}[0-9]{{2,3}}){PUNCTUATION.pattern}*"
)
NUMBER = re.compile(r"(?P<channel>whatsapp:)?(?P<number>\+*[0-9][0-9+]*)", re.IGNORECASE)
CHANNEL = r"(?:fax|messenger|mms|rcs|sms|tel|viber|whatsapp)"  # in front of a number
VARIABLE = re.compile(rf".*(?:=|[\"']\s*:)|(?!\W*{CHANNEL}\b).*[:\uff1a]", re.IGNORECASE)
WORD_IN_FRONT = re.compile(r"[A-Za-z]+(:\+?|\+)[0-9]{6}")

INVALID_SENDER = FieldProblem(
    "INVALID_PHONE",
    "This must be + and 6 to 15 digits, a short code of 3 to 8 digits, or a name of at most 11"
    " characters: letters A to Z, digits, spaces and + - _ &; some types also take: {senders}",
)
INVISIBLE_IN_SENDER = FieldProblem(
    "INVALID_PHONE", "This contains an invisible character; type the sender, do not paste it"
)
INVALID_NUMBER = FieldProblem("INVALID_PHONE", "This must be + and 6 to 15 digits")
NO_COUNTRY_CODE = FieldProblem(
    "INVALID_PHONE", "A number begins with + and the country's code; a short code has 3 to 8 digits"
)
NATIONAL_NUMBER = FieldProblem(
    "INVALID_PHONE",
    "A number begins with + and the country's code; a short code has nothing between its digits",
)
ZEROS_FOR_PLUS = FieldProblem("INVALID_PHONE", "Write + instead of 00 in front of the number")
ZERO_IN_BRACKETS = FieldProblem(
    "INVALID_PHONE",
    "Leave out the (0): it is not dialled after the country's code; in Italy the 0 is dialled,"
    " without brackets",
)
NOT_A_NUMBER_ALONE = FieldProblem(
    "INVALID_PHONE",
    "Write the number alone, without tel: or another word in front of it; a number of WhatsApp is"
    " whatsapp:+447700900123",
)
IMPOSSIBLE_PHONE = FieldProblem("IMPOSSIBLE_PHONE", "This number cannot exist; check it")
TRUNK_PREFIX = FieldProblem(
    "IMPOSSIBLE_PHONE",
    "A prefix that is dialled only within the country, such as 0 or 8, follows its code; leave it"
    " out",
)


def sender_rule(providers: Providers) -> Rule:
    """Return the rule for a sender that at least one of *providers* may take."""
    own = {pattern for provider in providers.values() for pattern in provider.sender_ids.values()}
    known = [*PATTERNS.values(), *sorted(own)]
    takes = re.compile("|".join(f"(?:{pattern})" for pattern in known)).fullmatch
    given = {each for provider in providers.values() for each in sender_examples(provider)}
    others = sorted(given - {EXAMPLES[kind] for kind in GENERAL}, reverse=True)
    invalid = replace(INVALID_SENDER, limits={"senders": ", ".join(others)})

    def read(value: object) -> str:
        string = require_string(value)
        require_length(string, MAX_SENDER_LENGTH)
        sender = read_sender(string)
        if shows_nothing(sender) or EMPTY_VARIABLE.fullmatch(trim(string)):
            raise FieldError(INVISIBLE_TEXT)
        if not takes(sender):
            raise FieldError(explain(sender) or invalid)
        return sender

    return Rule(
        read,
        {
            "type": "string",
            "maxLength": MAX_SENDER_LENGTH,
            "description": "Who an SMS is from; the provider type says which senders it takes. A"
            " number may hold spaces, hyphens, dots, slashes and brackets, which are left out",
        },
    )


def sender_patterns(provider: Provider) -> dict[str, str]:
    """Return the patterns of the senders that *provider* takes, by the names of their kinds."""
    return {kind: PATTERNS[kind] for kind in provider.senders} | dict(provider.sender_ids)


def sender_problem(sender: str, provider: Provider) -> FieldProblem | None:
    """Return what is wrong with *sender* for *provider*; None if it takes such senders."""
    if any(re.fullmatch(pattern, sender) for pattern in sender_patterns(provider).values()):
        return None
    senders = ", ".join(sender_examples(provider))
    message = "This provider takes no such sender; give one like: {senders}"
    return FieldProblem("NOT_ALLOWED", message, {"senders": senders})


def sender_examples(provider: Provider) -> list[str]:
    """Return an example of each sender that *provider* takes; of its ids, the name and the mark."""
    ids = (
        f"{name.replace('-', ' ')} ({pattern.partition('[')[0]}…)"
        for name, pattern in provider.sender_ids.items()
    )
    return [*(EXAMPLES[kind] for kind in provider.senders), *ids]


def sender_check(
    providers: Providers,
) -> Callable[[Mapping[str, Any]], Iterable[tuple[str, FieldProblem]]]:
    """Return the check that the type of a new integration takes its sender."""

    def check(values: Mapping[str, Any]) -> Iterable[tuple[str, FieldProblem]]:
        sender, provider = values.get("senderPhone"), providers.get(values.get("type", ""))
        if sender and provider and (problem := sender_problem(sender, provider)):
            yield "senderPhone", problem

    return check


def read_sender(text: str) -> str:
    """Return the sender in *text*: a number without what people write between its digits.

    Raises:
        FieldError: it is a number that cannot be read without a guess.
    """
    while (inner := trim(strip_variable(trim(text), VARIABLE.match).strip(AROUND))) != text:
        text = inner
    text = SPACE_IN_LINE.sub(" ", text)
    written = to_ascii(text)
    match = NUMBER.fullmatch(PUNCTUATION.sub("", written))
    if not match:
        return text
    number, channel = match["number"], (match["channel"] or "").lower()
    if problem := number_problem(number, written, is_short_code_possible=not channel):
        raise FieldError(problem)
    return channel + number


def to_ascii(text: str) -> str:
    """Return *text* without what nobody sees, its digits and signs in ASCII."""
    shown = UNSEEN.sub("", text).translate(ASCII_SIGNS)
    return "".join(str(decimal(character, character)) for character in shown)


def other_trunk_form(number: str) -> str:
    """Return an international *number* without the 0 behind the country's code, or with one."""
    plus, digits = ("+", number[1:]) if number[:1] == "+" else ("", number)
    lengths = (n for n in (1, 2, 3) if digits[:n].isdecimal())
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    code = next((digits[:n] for n in lengths if int(digits[:n]) in known), "")
    rest = digits[len(code) :]
    return plus + code + (rest[1:] if rest[:1] == "0" else f"0{rest}")


def number_problem(
    number: str, written: str, *, is_short_code_possible: bool
) -> FieldProblem | None:
    """Return why the digits of *number*, *written* so, name nobody; None if they do."""
    if is_short_code_possible and re.fullmatch(PATTERNS["short-code"], number):
        return short_code_problem(number, written)
    if not number.startswith("+"):
        return ZEROS_FOR_PLUS if number.startswith("00") else NO_COUNTRY_CODE
    if OPTIONAL_ZERO.search(written):
        return ZERO_IN_BRACKETS
    return None if re.fullmatch(PATTERNS["e164"], number) else INVALID_NUMBER


def short_code_problem(number: str, written: str) -> FieldProblem | None:
    """Return why the digits of *number*, *written* so, are no short code; None if they are one."""
    if WRITTEN_CODE.fullmatch(written):
        return None
    if OPTIONAL_ZERO.search(written):
        return ZERO_IN_BRACKETS
    return ZEROS_FOR_PLUS if number.startswith("00") else NATIONAL_NUMBER


def explain(text: str) -> FieldProblem | None:
    """Return why *text* is no sender at all; None if there is nothing more to say."""
    if found := re.search(f"[\t{LINE_BREAKS}]", text):
        return control_character_problem(found[0])
    if WORD_IN_FRONT.match(PUNCTUATION.sub("", to_ascii(text))):
        return NOT_A_NUMBER_ALONE
    return INVISIBLE_IN_SENDER if UNSEEN.search(text) else None


@lru_cache(1024)
def number_warning(sender: str) -> FieldProblem | None:
    """Return what is unlikely about *sender* as a number; None if it is another kind of sender.

    WhatsApp has its own form of some numbers, such as `+521…` of Mexico. It takes a fifth of a
    creation; a workspace has few senders, and everybody there sees them.
    """
    if not re.fullmatch(PATTERNS["e164"], sender):
        return None
    try:
        parsed = phonenumbers.parse(sender)
    except phonenumbers.NumberParseException:
        return IMPOSSIBLE_PHONE
    if not phonenumbers.is_possible_number(parsed):
        return IMPOSSIBLE_PHONE
    # The parser drops a national prefix; the 0 of Italy and some others is a part of the number.
    dialled = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return TRUNK_PREFIX if dialled != sender else None
