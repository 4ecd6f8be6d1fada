"""The rule of an email address: its syntax, without a DNS query."""

import re
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from app.http.field_rules import FieldError, FieldProblem, Rule, WrongLengthError, read_text

MAX_EMAIL_LENGTH = (
    254  # characters that an address may have (RFC 5321, with RFC 3696's erratum 1690)
)
ADDRESS = re.compile(r"[^@]+@[^@]+")
BETWEEN_ADDRESSES = re.compile(r"[\s<>()\[\],;\"]+")
NAME_IN_EMAIL = FieldProblem(
    "NAME_IN_EMAIL", "Give the address alone; a name belongs in senderName"
)
INVALID_EMAIL = FieldProblem("INVALID_EMAIL", "This is not a valid email address")


def parse_email(value: object) -> str:
    """Return *value* trimmed, which must be an email address by its syntax; DNS is not asked."""
    try:
        return require_email(read_text(value, MAX_EMAIL_LENGTH))
    except WrongLengthError:
        raise FieldError(INVALID_EMAIL) from None


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
        raise FieldError(NAME_IN_EMAIL if names_sender(string) else INVALID_EMAIL) from None
    return string


def names_sender(string: str) -> bool:
    """Return whether *string* is one address and more: `Example <a@example.com>`."""
    parts = [part for part in BETWEEN_ADDRESSES.split(string) if part]
    addresses = [part for part in parts if "@" in part]
    return parts != [string] and len(addresses) == 1 and ADDRESS.fullmatch(addresses[0]) is not None


# Domains that no mail reaches (RFC 6761); JSON Schema's patterns cannot ignore case.
SPECIAL_DOMAINS = "|".join(
    "".join(f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in domain)
    for domain in SPECIAL_USE_DOMAIN_NAMES
)
email = Rule(
    parse_email,
    {
        "type": "string",
        "format": "email",
        "maxLength": MAX_EMAIL_LENGTH,
        "not": {"pattern": f"[@.]({SPECIAL_DOMAINS})$"},
    },
)
