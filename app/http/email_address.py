"""The rule of an email address: its syntax, without a DNS query.

What people copy with an address goes where there is no doubt: `mailto:`, `<…>`, quotes, the sign
that divided it from the next one.
"""

import re
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from app.http.field_rules import FieldError, FieldProblem, Rule, WrongLengthError
from app.http.text_rules import read_trimmed
from app.pasted_text import INVISIBLE, SPACE, trim

MAX_EMAIL_LENGTH = (
    254  # characters that an address may have (RFC 5321, with RFC 3696's erratum 1690)
)
# Of full-width signs, and of the dots of Chinese and Japanese (RFC 3490, section 3.1).
ASCII_FORMS = {0xFF01 + n: 0x21 + n for n in range(94)} | {0xFE6B: "@", 0x3002: ".", 0xFF61: "."}
SEPARATORS = ",;\u3001"
ENDS = ".\u3002"  # of a sentence
SCHEME = "mailto:"
PAIRS = frozenset(("<>", "()", "[]", '""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\xab\xbb"))
ADDRESS = re.compile(r"[^@]+@[^@]+")
BETWEEN_ADDRESSES = re.compile(r"[\s<>()\[\],;\"]+")
NAME_IN_EMAIL = FieldProblem(
    "NAME_IN_EMAIL", "Give the address alone, without spaces; a name belongs in senderName"
)
INVALID_EMAIL = FieldProblem("INVALID_EMAIL", "This is not a valid email address")
SEVERAL_EMAILS = FieldProblem("INVALID_EMAIL", "Give one email address only")
SPACE_IN_EMAIL = FieldProblem("INVALID_EMAIL", "An email address contains no space")
INVISIBLE_IN_EMAIL = FieldProblem(
    "INVALID_EMAIL", "This contains an invisible character; type the address, do not paste it"
)


def parse_email(value: object) -> str:
    """Return the email address that *value* is by its syntax; DNS is not asked."""
    try:
        address = read_address(read_trimmed(value, MAX_EMAIL_LENGTH))
    except WrongLengthError:
        raise FieldError(INVALID_EMAIL) from None
    if len(address) > MAX_EMAIL_LENGTH:
        raise FieldError(INVALID_EMAIL)
    return require_email(address)


def read_address(text: str) -> str:
    """Return *text* without what people copy with an address, its signs in ASCII."""
    text = text.translate(ASCII_FORMS)
    while (inner := without_layer(text)) != text:
        text = inner
    return text


def without_layer(text: str) -> str:
    """Return *text* without separators around it, and without `mailto:` or one pair of brackets."""
    text = trim(trim(text.strip(SEPARATORS)).rstrip(ENDS))
    if text[: len(SCHEME)].lower() == SCHEME:
        return text[len(SCHEME) :].partition("?")[0]  # ?subject=…
    return text[1:-1] if text[:1] + text[1:][-1:] in PAIRS else text


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
        raise FieldError(explain(string)) from None
    return string


def explain(string: str) -> FieldProblem:
    """Return why *string* is no email address."""
    parts = [part for part in BETWEEN_ADDRESSES.split(string) if part]
    addresses = [part for part in parts if ADDRESS.fullmatch(part)]
    if len(addresses) > 1:
        return SEVERAL_EMAILS
    if addresses and parts != [string]:  # Example <a@example.com>
        return NAME_IN_EMAIL
    if INVISIBLE.search(string):
        return INVISIBLE_IN_EMAIL
    return SPACE_IN_EMAIL if SPACE.search(string) and "@" in string else INVALID_EMAIL


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
