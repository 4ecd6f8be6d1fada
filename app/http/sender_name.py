"""The name of a sender, and the variables that people copy with senders: `SENDER_NAME=…`."""

import re
from collections.abc import Callable

from app.http.field_rules import FieldError, FieldProblem, Rule
from app.http.text_rules import pasted_schema, read_name, require_visible
from app.pasted_text import trim
from app.secrets.secret_names import names_secret
from app.stand_ins import ENVIRONMENT_NAME
from app.wrappings import QUOTE_PAIRS, QUOTES, Wrapping, outer_layer

MAX_NAME_LENGTH = 120


def variable(words: str) -> str:
    """Return the pattern of a variable by its last *words*: `$fromName`, `app.mail.from-name`."""
    return rf"(?:\w+\s+|-\s+)?[$-]*(?:{ENVIRONMENT_NAME}|(?i:[\w.-]*(?:{words})_?))\s*"


NAME = "(?:sender|from|display)[_-]?name"
VARIABLE_OF_NAME = re.compile(  # or a member of JSON; "From: Berlin" may be a name
    rf"[\"'](?:[\w.-]*{NAME}[\"']\s*(?::|=>?)|[^\"']*[\"']\s*(?::|=>?)\s*[\"'])"
    rf"|{variable(NAME)}[:=]"
    rf"|{variable('sender|from|name')}(?:=|:\s*[\"'])"
)
# With its type and words in front: const fromName: string = "…";
DECLARATION = re.compile(rf"^[^=\"']*{NAME}[^=\"']*=\s*(?=[\"'`])", re.IGNORECASE)
# FROM_NAME=, and not the end of a key in base64.
EMPTY_VARIABLE = re.compile(rf"{variable('sender|from|name')}=[\"'`;,\s]*")
BEFORE_COMMENT = re.compile(r"^(([\"'`]).*\2)[;,]?\s*(?:#|//).*$")
ADDRESS = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
EMAIL_IN_NAME = FieldProblem(
    "EMAIL_IN_NAME", "Give the name alone; an address belongs in senderEmail"
)
FORMULA = re.compile(f"^=(?=[{QUOTES}])")  # ="…", by which a spreadsheet keeps a text as it is


def strip_variable(text: str, is_variable: Callable[[str], object]) -> str:
    """Return *text* without the name of a variable in front, with its sign, if it *is_variable*.

    That looks at the name, the sign and the quote behind it. That of a secret stays.
    """
    layer = outer_layer(text)
    if layer is None or layer[0] is not Wrapping.VARIABLE or names_secret(text):
        return text
    return layer[1] if is_variable(text.removesuffix(layer[1].lstrip(QUOTES))) else text


def read_sender_name(value: object) -> str:
    """Return the name *value* without quotes around it or the name of a variable in front.

    Raises:
        FieldError: it is no name, or an address stands behind it.
    """
    name = read_name(value, MAX_NAME_LENGTH)
    while (inner := without_layer(name)) and inner != name:
        name = inner
    require_visible("" if EMPTY_VARIABLE.fullmatch(name) else name.strip(f"{QUOTES},;"))
    if ADDRESS.search(name):  # Acme <news@acme.com>
        raise FieldError(EMAIL_IN_NAME)
    return name


def without_layer(name: str) -> str:
    """Return *name* without its outermost wrapping; a single apostrophe may be of the name."""
    name = trim(FORMULA.sub("", name))
    quoted = name.rstrip(",;")
    inner = quoted[1:-1]
    if quoted[:1] + quoted[-1:] in QUOTE_PAIRS and not {*inner} & {quoted[0], quoted[-1]}:
        return trim(inner)
    value = DECLARATION.sub("", name)
    if value == name:
        value = strip_variable(name, VARIABLE_OF_NAME.match)
    return value if value == name else BEFORE_COMMENT.sub(r"\1", value)


sender_name = Rule(
    read_sender_name,
    pasted_schema(
        MAX_NAME_LENGTH,
        f"1 to {MAX_NAME_LENGTH} characters; quotes and a variable in front are removed",
    ),
)
