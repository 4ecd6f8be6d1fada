"""The rules of texts and secrets (docs/api.md#fields): read as people paste them."""

import re
from collections.abc import Iterable
from unicodedata import normalize

from app.http.field_rules import (
    NO_TEXT_OF_FILE,
    FieldError,
    FieldProblem,
    Rule,
    Schema,
    control_character_problem,
    max_raw_length,
    require_length,
    require_string,
    wrong_length,
)
from app.pasted_text import (
    INVISIBLE,
    SPACE,
    shows_nothing,
    strip_hidden,
    trim,
    trimmed_part,
)
from app.secrets.secret import Secret

# Control characters, line and paragraph separators, in a syntax that ECMA-262 shares.
FORBIDDEN_CHARACTERS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
FORBIDDEN_CHARACTER = re.compile(rf"[{FORBIDDEN_CHARACTERS}]")
# Embeddings, overrides and isolates: what follows them is shown in another order.
BIDI_CONTROL = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
BIDI_CONTROL_CHARACTER = FieldProblem(
    "BIDI_CONTROL", "This must not contain characters that change the direction of text"
)
INVISIBLE_TEXT = FieldProblem(
    "INVISIBLE_TEXT", "This is blank; it must contain a visible character"
)
SPACE_TRIMMED = FieldProblem("SPACE_TRIMMED", "The white space around this was removed")
INVISIBLE_TRIMMED = FieldProblem(
    "INVISIBLE_TRIMMED", "The invisible characters around this were removed"
)


def read_trimmed(value: object, maximum: int) -> str:
    """Return the text *value* without what pasting adds, which may still exceed *maximum*.

    Its length is looked at before anything reads it: what follows may take the square of it.
    """
    string = require_string(value)
    if len(string) > max_raw_length(maximum):
        raise wrong_length(maximum)
    trimmed = trim(string)
    if string and not trimmed:
        raise FieldError(INVISIBLE_TEXT)
    return trimmed


def read_shown(value: object, maximum: int) -> str:
    """Return the text *value* without what pasting adds, at its ends and inside."""
    trimmed = read_trimmed(value, maximum)
    if trimmed.isascii():
        return trimmed
    shown = trim(strip_hidden(trimmed))
    if trimmed and not shown:
        raise FieldError(INVISIBLE_TEXT)
    return shown


def require_visible(string: str) -> str:
    """Return *string*; raise FieldError if it shows nothing."""
    if shows_nothing(string):
        raise FieldError(INVISIBLE_TEXT)
    return string


def require_plain(string: str) -> str:
    """Return *string*; raise FieldError if it has control characters."""
    if string.isascii() and string.isprintable():
        return string  # most are, and this costs a fifth of what follows
    require_no_control_character(string)
    if BIDI_CONTROL.search(string):
        raise FieldError(BIDI_CONTROL_CHARACTER)
    return string


def require_no_control_character(string: str) -> None:
    """Raise FieldError if *string* has a control character or breaks the line."""
    if found := FORBIDDEN_CHARACTER.search(string):
        raise FieldError(control_character_problem(found[0]))


def text(maximum: int, *, trimmed: bool = False, separator: str = "") -> Rule:
    """Return the rule for text of 1 to *maximum* characters, as it is or *trimmed* and in NFC.

    It is one of a list if it has a *separator*, which it never contains.
    """
    if trimmed:
        return Rule(lambda value: read_name(value, maximum), pasted_schema(maximum))

    def rule(value: object) -> str:
        string = require_string(value)
        require_length(string, maximum)
        require_no_control_character(string)
        return string

    pattern = f"^[^{FORBIDDEN_CHARACTERS}{separator}]{{1,{maximum}}}$"
    return Rule(rule, {"type": "string", "pattern": pattern})


def read_name(value: object, maximum: int) -> str:
    """Return the text *value* trimmed and in NFC."""
    return require_visible(read_line(value, maximum))


def read_line(value: object, maximum: int) -> str:
    """Return the text *value* trimmed and in NFC, which may show nothing."""
    string = normalize("NFC", read_shown(value, maximum))
    require_length(string, maximum)
    return require_plain(string)


def pasted_schema(maximum: int, description: str = "") -> Schema:
    """Return the JSON Schema of a text that has 1 to *maximum* characters as it is read.

    It has no pattern: none says what people paste, and a client would refuse what is read.
    """
    length = f"1 to {maximum:,} characters without white space around them"
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": max_raw_length(maximum),
        "description": description or length,
    }


def secret(maximum: int) -> Rule:
    """Return the rule for a secret of 1 to *maximum* characters after trimming, as a Secret."""

    def rule(value: object) -> Secret:
        if isinstance(value, dict | list):
            raise FieldError(NO_TEXT_OF_FILE)
        string = read_trimmed(value, maximum)
        require_length(string, maximum)
        return Secret(require_visible(string).encode())

    return Rule(rule, {**pasted_schema(maximum), "writeOnly": True}, trimming_notices)


def trimming_notices(raw: str) -> Iterable[FieldProblem]:
    """Return what trimming *raw* removed."""
    removed = trimmed_part(raw)
    if not removed:
        return
    if SPACE.search(removed):
        yield SPACE_TRIMMED
    if INVISIBLE.search(removed):
        yield INVISIBLE_TRIMMED
