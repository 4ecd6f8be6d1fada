"""The rules of single fields (docs/api.md#fields); a rule parses a JSON value."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from msgspec import Struct

from app.pasted_text import trim

Schema = Mapping[str, object]
# Halves of surrogate pairs, which UTF-8 has not, and a JSON Schema pattern cannot name.
SURROGATE = re.compile(r"[\ud800-\udfff]")


class Rule(Struct, frozen=True):
    """How a field is read: `read` parses a JSON value or raises FieldError.

    `schema` is the same rule in JSON Schema, for the OpenAPI document. `notices` says what reading
    changed that the client should know of: warnings, which the parsed value does not show.
    """

    read: Callable[[object], object]
    schema: Schema
    notices: Callable[[str], Iterable["FieldProblem"]] | None = None

    def __call__(self, value: object) -> object:
        """Return the parsed *value*; raise FieldError if it breaks the rule."""
        return self.read(value)


class FieldProblem(Struct, frozen=True):
    """What is wrong with a field; `message` is English, `limits` never hold a submitted value."""

    code: str
    message: str
    limits: Mapping[str, str | int] = {}


class FieldError(Exception):
    """A value breaks its field's rule."""

    def __init__(self, problem: FieldProblem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class WrongLengthError(FieldError):
    """A text is empty or too long."""


NOT_A_STRING = FieldProblem("WRONG_TYPE", "This must be a string")
NO_TEXT_OF_FILE = FieldProblem(
    "WRONG_TYPE",
    "This must be a string; give the text of a file as one string, in quotation marks",
)
NOT_A_BOOLEAN = FieldProblem("WRONG_TYPE", "This must be true or false")
CONTROL_CHARACTER = FieldProblem("CONTROL_CHARACTER", "This must not contain control characters")
LINE_BREAK = FieldProblem("CONTROL_CHARACTER", "This must not contain a line break")
TAB = FieldProblem("CONTROL_CHARACTER", "This must not contain a tab")
LINE_BREAKS = "\n\v\f\r\x85\u2028\u2029"


def control_character_problem(character: str) -> FieldProblem:
    """Return the problem that a text has the control character *character*, which nobody sees."""
    if character in LINE_BREAKS:
        return LINE_BREAK
    return TAB if character == "\t" else CONTROL_CHARACTER


def max_raw_length(maximum: int) -> int:
    """Return how long a text may be that has at most *maximum* characters after trimming."""
    return 2 * maximum + 64


def choice(options: Iterable[str]) -> Rule:
    """Return the rule for one of *options*."""
    allowed = frozenset(options)
    longest = max(map(len, allowed))
    choices = ", ".join(sorted(allowed))
    refusal = FieldProblem("NOT_ALLOWED", "This must be one of: {choices}", {"choices": choices})

    def rule(value: object) -> str:
        string = require_string(value)
        if len(string) > max_raw_length(longest) or trim(string) not in allowed:
            raise FieldError(refusal)
        return trim(string)

    return Rule(rule, {"type": "string", "enum": sorted(allowed)})


def parse_boolean(value: object) -> bool:
    """Return *value*, which must be true or false."""
    if not isinstance(value, bool):
        raise FieldError(NOT_A_BOOLEAN)
    return value


def require_string(value: object) -> str:
    """Return *value*; raise FieldError if it is no string, or one that cannot be stored."""
    if not isinstance(value, str):
        raise FieldError(NOT_A_STRING)
    if not value.isascii() and SURROGATE.search(value):
        raise FieldError(CONTROL_CHARACTER)
    return value


def require_length(string: str, maximum: int) -> None:
    """Raise WrongLengthError if *string* does not have 1 to *maximum* characters."""
    if not 1 <= len(string) <= maximum:
        raise wrong_length(maximum)


def wrong_length(maximum: int) -> WrongLengthError:
    """Return the error of a text that does not have 1 to *maximum* characters."""
    limits = {"minimum": 1, "maximum": maximum}
    message = "This must have {minimum} to {maximum} characters"
    return WrongLengthError(FieldProblem("WRONG_LENGTH", message, limits))


def nullable(schema: Schema) -> Schema:
    """Return *schema*, or null; only `type` and `enum` forbid null by themselves."""
    both: Schema = {**schema, "type": [schema["type"], "null"]}
    options = cast("list[str]", schema.get("enum", []))
    return {**both, "enum": [*options, None]} if options else both


boolean = Rule(parse_boolean, {"type": "boolean"})
