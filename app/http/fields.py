"""The rules of the single fields (contract, 4); a rule takes a JSON value and returns its own."""

import re
from collections.abc import Callable, Iterable, Mapping
from unicodedata import category

from email_validator import EmailNotValidError, validate_email
from msgspec import Struct

from app.secrets.secret import Secret

Rule = Callable[[object], object]
PHONE = re.compile(r"\+[0-9]{6,15}")
# Control characters, line and paragraph separators, and halves of surrogate pairs.
REFUSED_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})


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


NO_STRING = FieldProblem("WRONG_TYPE", "This must be a string")
NO_BOOLEAN = FieldProblem("WRONG_TYPE", "This must be true or false")
CONTROL_CHARACTER = FieldProblem("CONTROL_CHARACTER", "This must not contain control characters")
NO_EMAIL = FieldProblem("INVALID_EMAIL", "This is not a valid email address")
NO_PHONE = FieldProblem("INVALID_PHONE", "This must be + and 6 to 15 digits")


def text(minimum: int, maximum: int, *, trimmed: bool = False) -> Rule:
    """Return the rule for text of *minimum* to *maximum* characters, counted after trimming."""

    def rule(value: object) -> str:
        string = require_string(value).strip() if trimmed else require_string(value)
        require_length(string, minimum, maximum)
        if any(category(character) in REFUSED_CATEGORIES for character in string):
            raise FieldError(CONTROL_CHARACTER)
        return string

    return rule


def secret(maximum: int) -> Rule:
    """Return the rule for a secret of 1 to *maximum* characters; it leaves as a Secret."""

    def rule(value: object) -> Secret:
        string = require_string(value)
        require_length(string, 1, maximum)
        return Secret(string.encode())

    return rule


def choice(options: Iterable[str]) -> Rule:
    """Return the rule for one of *options*."""
    allowed = frozenset(options)
    choices = ", ".join(sorted(allowed))
    refusal = FieldProblem("NOT_ALLOWED", "This must be one of: {choices}", {"choices": choices})

    def rule(value: object) -> str:
        if require_string(value) not in allowed:
            raise FieldError(refusal)
        return str(value)

    return rule


def boolean(value: object) -> bool:
    """Return *value*, which must be true or false."""
    if not isinstance(value, bool):
        raise FieldError(NO_BOOLEAN)
    return value


def email(value: object) -> str:
    """Return *value*, which must have the syntax of an email address; no DNS is asked."""
    string = require_string(value)
    try:
        validate_email(string, check_deliverability=False)
    except EmailNotValidError:
        # Its message repeats the address.
        raise FieldError(NO_EMAIL) from None
    return string


def phone(value: object) -> str:
    """Return *value*, which must be + and 6 to 15 digits (E.164 allows 15)."""
    string = require_string(value)
    if not PHONE.fullmatch(string):
        raise FieldError(NO_PHONE)
    return string


def require_string(value: object) -> str:
    """Return *value*; raise FieldError where it is no string."""
    if not isinstance(value, str):
        raise FieldError(NO_STRING)
    return value


def require_length(string: str, minimum: int, maximum: int) -> None:
    """Raise FieldError where *string* has too few or too many characters."""
    if not minimum <= len(string) <= maximum:
        limits = {"minimum": minimum, "maximum": maximum}
        message = "This must have {minimum} to {maximum} characters"
        raise FieldError(FieldProblem("WRONG_LENGTH", message, limits))
