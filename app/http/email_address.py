"""The rule of an email address: its syntax, without a DNS query.

What people copy with an address goes if there is no doubt: `mailto:`, `<…>`, quotes, the name of a
variable, the signs of a spreadsheet, the sign that divided it from the next one.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email

from app.http.field_rules import (
    LINE_BREAKS,
    FieldError,
    FieldProblem,
    Rule,
    WrongLengthError,
    control_character_problem,
)
from app.http.sender_name import strip_variable, variable
from app.http.text_rules import pasted_schema, read_trimmed
from app.pasted_text import INVISIBLE, SPACE, strip_hidden, trim
from app.wrappings import QUOTE_PAIRS, QUOTES, strip_escapes

MAX_EMAIL_LENGTH = (
    254  # characters that an address may have (RFC 5321, with RFC 3696's erratum 1690)
)
# Of full-width signs, and of the dots of Chinese and Japanese (RFC 3490, section 3.1). A full-width
# colon has its space in it.
FULL_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)}
ASCII_FORMS = FULL_WIDTH | {0xFE6B: "@", 0x3002: ".", 0xFF61: ".", 0xFF1A: ": "}
SEPARATORS = ",;|=?&\u3001"  # of lists, tables, links and formulas (="…")
ENDS = ".\u3002"  # of a sentence
SCHEME = re.compile("(?:mailto|e-?mail|smtp|from|to):", re.IGNORECASE)
PAIRS = QUOTE_PAIRS | {"()", "[]"}
# What an address may begin with is a variable only by its words: bounces=ada=example.org@… (VERP)
# and SRS0=…@… are addresses.
VARIABLE_OF_ADDRESS = re.compile(
    r".*(?:[^\w!#$%&'*+/=?^`{|}~.-]|=')"
    rf"|{variable('mail|from|sender|address|reply[_-]?to|mailto|user[_-]?name')}:?="
)
# Another name with =, without the domain that follows it in the address of a bounce.
NO_ADDRESS = r"[|]|^[^=@]+=+[^=.@]+@"
BOUNCE_ADDRESS = re.compile(r"[a-z0-9+-]+=[^\s:\"'<>@]+@[^\s:\"'<>@]+")
ADDRESS = re.compile(r"[^@]+@[^@]+")
COMMA_FOR_DOT = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+[,;][^@\s,;<>]+")
BETWEEN_ADDRESSES = re.compile(r"[\s<>()\[\],;|\"]+")
BETWEEN_LINES = re.compile(f"[\t{LINE_BREAKS}]")
NAME_IN_EMAIL = FieldProblem(
    "NAME_IN_EMAIL", "Give the address alone, without spaces; a name belongs in senderName"
)
INVALID_EMAIL = FieldProblem("INVALID_EMAIL", "This is not a valid email address")
COMMA_IN_EMAIL = FieldProblem("INVALID_EMAIL", "Write a full stop in the domain, not a comma")
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
    if strip_hidden(address) != address:
        raise FieldError(INVISIBLE_IN_EMAIL)
    return require_email(address)


def read_address(text: str) -> str:
    """Return *text* without what people copy with an address, its signs in ASCII."""
    text = text.translate(ASCII_FORMS)
    while (inner := without_layer(text)) != text:
        text = inner
    parts = [SCHEME.sub("", part) for part in BETWEEN_ADDRESSES.split(text) if part]
    is_repeated = all(map(ADDRESS.fullmatch, parts)) and len({*map(str.lower, parts)}) == 1
    return parts[0] if is_repeated else text  # a@b.com <a@b.com>, [a@b.com](mailto:a@b.com)


def without_layer(text: str) -> str:
    """Return *text* without separators around it, and without the next of its wrappings."""
    text = trim(trim(text.strip(SEPARATORS)).rstrip(ENDS))
    if found := SCHEME.match(text):
        return unquote(text[found.end() :].partition("?")[0])  # ?subject=… (RFC 6068)
    if (unnamed := strip_variable(text, VARIABLE_OF_ADDRESS.match)) != text:
        return unnamed
    if text[:1] + text[1:][-1:] in PAIRS:
        return text[1:-1]
    if not text.startswith("\\"):  # of \news@acme.com nobody knows where the address begins
        text = strip_escapes(text) or text
    return text.strip(QUOTES)


@lru_cache(1024)
def require_email(string: str) -> str:
    """Return *string*; raise FieldError if it does not have the syntax of an email address.

    It takes a tenth of a creation, and a workspace has few sender addresses: valid ones, which are
    public within the workspace, are cached; rejected input never is.
    """
    if re.search(NO_ADDRESS, string):  # no address in practice
        raise FieldError(explain(string))
    try:
        validate_email(string, check_deliverability=False)
    except EmailNotValidError:
        # Its message repeats the address.
        raise FieldError(explain(string)) from None
    return string


def explain(string: str) -> FieldProblem:
    """Return why *string* is no email address."""
    addresses = find_addresses(string)
    if len(addresses) > 1:
        return SEVERAL_EMAILS
    if found := BETWEEN_LINES.search(string):
        return control_character_problem(found[0])
    if COMMA_FOR_DOT.fullmatch(string):
        return COMMA_IN_EMAIL
    if addresses and addresses != [string]:  # Example <a@example.com>, Example|a@example.com
        return NAME_IN_EMAIL
    if INVISIBLE.search(string):
        return INVISIBLE_IN_EMAIL
    return SPACE_IN_EMAIL if SPACE.search(string) and "@" in string else INVALID_EMAIL


def find_addresses(text: str) -> list[str]:
    """Return what has the look of an address in *text*, without names and brackets around it."""
    return [part for part in BETWEEN_ADDRESSES.split(text) if ADDRESS.fullmatch(part)]


email = Rule(
    parse_email,
    pasted_schema(
        MAX_EMAIL_LENGTH,
        "One email address without a name; `mailto:`, quotes and a variable in front are removed",
    ),
)
