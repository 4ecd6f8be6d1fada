"""The rules of single fields (contract, 4); a rule parses a JSON value."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from msgspec import Struct

from app.secrets.secret import Secret

Schema = Mapping[str, object]
PHONE = re.compile(r"\+[0-9]{6,15}")
MAX_EMAIL_LENGTH = (
    254  # characters that an address may have (RFC 5321, with RFC 3696's erratum 1690)
)
# Control characters, line and paragraph separators, in a syntax that ECMA-262 shares.
FORBIDDEN_CHARACTERS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# And surrogates, which a JSON Schema pattern cannot name.
FORBIDDEN_CHARACTER = re.compile(rf"[{FORBIDDEN_CHARACTERS}\ud800-\udfff]")


class Rule(Struct, frozen=True):
    """How a field is read: `read` parses a JSON value or raises FieldError.

    `schema` is the same rule in JSON Schema, for the OpenAPI document.
    """

    read: Callable[[object], object]
    schema: Schema

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


NOT_A_STRING = FieldProblem("WRONG_TYPE", "This must be a string")
NOT_A_BOOLEAN = FieldProblem("WRONG_TYPE", "This must be true or false")
CONTROL_CHARACTER = FieldProblem("CONTROL_CHARACTER", "This must not contain control characters")
INVALID_EMAIL = FieldProblem("INVALID_EMAIL", "This is not a valid email address")
INVALID_PHONE = FieldProblem("INVALID_PHONE", "This must be + and 6 to 15 digits")


def text(maximum: int, *, trimmed: bool = False) -> Rule:
    """Return the rule for text of 1 to *maximum* characters, counted after trimming."""

    def rule(value: object) -> str:
        string = require_string(value).strip() if trimmed else require_string(value)
        require_length(string, maximum)
        if FORBIDDEN_CHARACTER.search(string):
            raise FieldError(CONTROL_CHARACTER)
        return string

    # Trimmed: 1 to *maximum* characters of which the first and the last are no space.
    edge = rf"[^\s{FORBIDDEN_CHARACTERS}]"
    between_space = rf"^\s*{edge}([^{FORBIDDEN_CHARACTERS}]{{0,{maximum - 2}}}{edge})?\s*$"
    pattern = between_space if trimmed else f"^[^{FORBIDDEN_CHARACTERS}]{{1,{maximum}}}$"
    return Rule(rule, {"type": "string", "pattern": pattern})


def secret(maximum: int) -> Rule:
    """Return the rule for a secret of 1 to *maximum* characters, parsed to a Secret."""

    def rule(value: object) -> Secret:
        string = require_string(value)
        require_length(string, maximum)
        return Secret(string.encode())

    return Rule(rule, {"type": "string", "minLength": 1, "maxLength": maximum, "writeOnly": True})


def choice(options: Iterable[str]) -> Rule:
    """Return the rule for one of *options*."""
    allowed = frozenset(options)
    choices = ", ".join(sorted(allowed))
    refusal = FieldProblem("NOT_ALLOWED", "This must be one of: {choices}", {"choices": choices})

    def rule(value: object) -> str:
        if require_string(value) not in allowed:
            raise FieldError(refusal)
        return str(value)

    return Rule(rule, {"type": "string", "enum": sorted(allowed)})


def parse_boolean(value: object) -> bool:
    """Return *value*, which must be true or false."""
    if not isinstance(value, bool):
        raise FieldError(NOT_A_BOOLEAN)
    return value


def parse_email(value: object) -> str:
    """Return *value*, which must have the syntax of an email address; without a DNS query."""
    return require_email(require_string(value))


@lru_cache(1024)
def require_email(string: str) -> str:
    """Return *string*; raise FieldError if it does not have the syntax of an email address.

    It takes a tenth of a creation, and a workspace has few sender addresses: valid ones, which are
    public within the workspace, are cached; rejected input never is.
    """
    try:
        validate_email(string, check_deliverability=False)
    except EmailNotValidError:
        # Its message repeats the address.
        raise FieldError(INVALID_EMAIL) from None
    return string


def parse_phone(value: object) -> str:
    """Return *value*, which must be + and 6 to 15 digits (E.164 allows 15)."""
    string = require_string(value)
    if not PHONE.fullmatch(string):
        raise FieldError(INVALID_PHONE)
    return string


def require_string(value: object) -> str:
    """Return *value*; raise FieldError if it is not a string."""
    if not isinstance(value, str):
        raise FieldError(NOT_A_STRING)
    return value


def require_length(string: str, maximum: int) -> None:
    """Raise FieldError if *string* does not have 1 to *maximum* characters."""
    if not 1 <= len(string) <= maximum:
        limits = {"minimum": 1, "maximum": maximum}
        message = "This must have {minimum} to {maximum} characters"
        raise FieldError(FieldProblem("WRONG_LENGTH", message, limits))


# Domains that no mail reaches (RFC 6761); JSON Schema's patterns cannot ignore case.
SPECIAL_DOMAINS = "|".join(
    "".join(f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in domain)
    for domain in SPECIAL_USE_DOMAIN_NAMES
)
boolean = Rule(parse_boolean, {"type": "boolean"})
email = Rule(
    parse_email,
    {
        "type": "string",
        "format": "email",
        "maxLength": MAX_EMAIL_LENGTH,
        "not": {"pattern": f"[@.]({SPECIAL_DOMAINS})$"},
    },
)
phone = Rule(parse_phone, {"type": "string", "pattern": f"^{PHONE.pattern}$"})
