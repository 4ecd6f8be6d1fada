"""What a pasted value is wrapped in, and what it stands for."""

import binascii
import html
import json
import re
from base64 import b64decode
from codecs import BOM_UTF16_LE
from collections.abc import Iterator
from enum import Enum
from urllib.parse import unquote, unquote_plus

from msgspec import Struct

from app.pasted_text import INVISIBLE, INVISIBLES, trim

QUOTE_PAIRS = frozenset(
    ("<>", '""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "\xab\xbb")
)
BRACKETS = frozenset(("<>", "()", "[]", "{}"))
BRACKET_SIGNS = "".join(BRACKETS)
QUOTES = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\xab\xbb\u2039\u203a"
SCHEME = re.compile(  # with the name of its header or without
    r"(?:(?:(?:-h|--header)\s+)?[\"']?(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)?"
    r"(?:(?:bearer|basic|token|api-?key)(?:\s|%20)+|(?:bearer|basic)\s*[:=]\s*)(?=\S)(?!\W\s)",
    re.IGNORECASE,
)
VARIABLE = re.compile(  # also a member of JSON, and what shells, Docker and scripts put before it
    r"(?:(?:export|set|setx|env|arg|declare -x|const|let|var|-[eh]|--env|--header|-)\s+){0,2}"
    r"(?:(?:\$env:|\$|--|[\"'])?[a-z_][\w.-]{0,99}(?:\[[\"'][\w.-]{1,99}[\"']\])?\s*"
    r"(?:[:?+]?=>?|:\s)|([\"'])[a-z_][\w.-]{0,99}\1\s*(?::|=>)"
    r"|(?:[a-z_][\w.-]{0,90})?(?:key|secret|token|password):)\s*"
    r"(?:[|>][+-]?[ \t]*\n\s*)?(?=[^=\s])",  # a block of YAML
    re.ASCII | re.IGNORECASE,
)
# Marks of words, also of Arabic, of India and South-East Asia; U+2011 is a hyphen.
MARKS = r"\u0300-\u036f\u064b-\u065f\u0900-\u0eff\u1000-\u109f\u1780-\u17ff\u200c\u200d\u2010\u2011"
WORD = rf"[^\W\d_][\w.'\u2019(){MARKS}-]{{0,40}}"
WORDS = rf"{WORD}(?:[ \xa0]{WORD}){{0,5}}[ \xa0]?"
LABEL = re.compile(  # what pages call a key, in any language: Clé API : …
    rf"(?:{WORDS}[:=]\s|{WORDS}\uff1a|{WORD}[ \xa0]{WORDS}[:=])\s*(?=[^=\s])"
)
KEY_MEMBER = re.compile(  # an object or a list that holds one key, without its brackets
    r"(?:[\"']?(?:[a-z_][\w.-]{0,90})?(?:key|secret|token|password|value)[\"']?\s*(?::|=>?)\s*)?"
    r"[\"']?[\w.+/-]+={0,2}[\"']?,?",
    re.ASCII | re.IGNORECASE,
)
ESCAPED_SPACE = (
    r"(?:\\{1,8}(?:[nrt]|u[0-9a-f]{4})|%0[9ad]|%20|&nbsp;|&#(?:10|13|32|160);|<br ?/?>)+"
)
FIRST_SPACE = re.compile(rf"^{ESCAPED_SPACE}", re.IGNORECASE)
LAST_SPACE = re.compile(rf"{ESCAPED_SPACE}$", re.IGNORECASE)
LAST_PART = 200  # characters of an end in which that is looked for
FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*(?:[A-Za-z][\w.+-]*(?=\s))?")  # of code in Markdown
DATA_URL = re.compile(r"data:[^,]{0,100}?(;base64)?,(.+)", re.IGNORECASE | re.DOTALL)  # RFC 2397
BASE64 = re.compile(r"(?:!!binary|base64[:,])?([A-Za-z0-9+/_-]{16,}={0,2})")
BETWEEN_LINES = re.compile(rf"\\[nr]?|\s|[{INVISIBLES}]")  # of base64, also written out
PERCENT = re.compile(r"^%[0-9A-F]{2}|^[\w+/-]+%(?:3D|2B|2F)|%7B|\{\s*%22", re.ASCII | re.IGNORECASE)
BARE = re.compile(r"[\w.+/-]+={0,2}", re.ASCII)  # as most keys are: nothing is around it
LAST_COMMA = re.compile(r",(\s*[}\]])")
DOUBLED_QUOTES = re.compile(r'\{\s*""\w')  # a cell of CSV
LINE_BREAK = re.compile("<br ?/?>", re.IGNORECASE)
JSON_SIGNS = str.maketrans(
    {**dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'), "\xa0": " ", "\u2028": "\n"}
)
MAX_LAYERS = 6  # wrappings within each other: {"apiKey": "Bearer …\n"} has five
MAX_DECODINGS = 4  # of a text that stands for another


class Wrapping(Enum):
    """What a value is wrapped in, by the looks of it."""

    QUOTES = "quotes"  # or brackets, or a comma behind it
    SCHEME = "scheme"  # Bearer …, as in a header
    VARIABLE = "variable"  # NAME=…, as in a file of environment variables
    ESCAPE = "escape"  # a space or a line break at an end, written as \n or %0A


class UnwrappedText(Struct, frozen=True):
    """A text without what it was wrapped in."""

    text: str
    wrappings: frozenset[Wrapping]

    def __repr__(self) -> str:
        return f"UnwrappedText(…, {self.wrappings})"


def unwrap(text: str) -> UnwrappedText:
    """Return *text* without quotes, the scheme of a header, and the name of a variable."""
    if BARE.fullmatch(text):
        return UnwrappedText(text, frozenset())
    wrappings: set[Wrapping] = set()
    for _ in range(MAX_LAYERS):
        layer = outer_layer(text)
        if layer is None:
            break
        wrapping, text = layer
        wrappings.add(wrapping)
    return UnwrappedText(text, frozenset(wrappings))


def strip_quotes(text: str) -> str:
    """Return *text* without quotes or `<…>` around it."""
    inner = trim(text[1:-1])
    return strip_quotes(inner) if inner and text[0] + text[-1] in QUOTE_PAIRS else text


def outer_layer(text: str) -> tuple[Wrapping, str] | None:
    """Return the outermost wrapping of *text* and what is in it; None if there is none."""
    for pattern, wrapping in LEADING:
        if found := pattern.match(text):
            return wrapping, trim(text[found.end() :])
    if found := FENCE.match(text):
        return Wrapping.QUOTES, fenced_text(text, found)
    if (inner := strip_escapes(text)) and inner != text:
        return Wrapping.ESCAPE, inner
    ended = text.rstrip(";,")
    if ended and (ended[0] in QUOTES or ended[-1] in QUOTES):
        return Wrapping.QUOTES, trim(ended.strip(QUOTES))
    is_in_brackets = ended[:1] + ended[-1:] in BRACKETS
    inner = trim(ended.strip(BRACKET_SIGNS)) if is_in_brackets else ended
    is_key = KEY_MEMBER if is_in_brackets else BARE
    return (Wrapping.QUOTES, inner) if inner != text and is_key.fullmatch(inner) else None


LEADING = (
    (SCHEME, Wrapping.SCHEME),
    (VARIABLE, Wrapping.VARIABLE),
    (LABEL, Wrapping.VARIABLE),
)


def strip_escapes(text: str) -> str:
    """Return *text* without spaces and line breaks that are written as escapes at its ends."""
    rest = FIRST_SPACE.sub("", text)
    return trim(rest[:-LAST_PART] + LAST_SPACE.sub("", rest[-LAST_PART:]))


def fenced_text(text: str, fence: re.Match[str]) -> str:
    """Return what is in the block of code *text*, which begins with *fence*, with an end or not."""
    inner = trim(trim(text[fence.end() :]).removesuffix(fence[1]))
    return inner or trim(text[fence.end(1) :].removesuffix(fence[1]))


def readings(text: str, layers: int = MAX_DECODINGS) -> Iterator[str]:
    """Yield *text* and what it may stand for: unwrapped, unescaped, decoded (base64, `data:`)."""
    yield text
    if layers:
        inner = (
            *(unwrap(text).text, json_string(text), unescape(text)),
            *(base64_text(text), data_url_text(text), percent_text(text), bare_object(text)),
        )
        for reading in dict.fromkeys(inner):
            if reading and reading != text:
                yield from readings(trim(reading), layers - 1)


def json_string(text: str) -> str | None:
    """Return what the JSON string *text* says; None if it is none."""
    try:
        value = json.loads(text, strict=False) if text.startswith('"') else None
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def unescape(text: str) -> str | None:
    r"""Return JSON whose quotes or line breaks were escaped: `{\"type\": …` as `{"type": …`."""
    if not re.match(r"[\[{]\s*\\", text):
        return None
    return re.sub(r'\\([\\"nrt])', lambda found: ESCAPED[found[1]], text)


ESCAPED = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


def bare_object(text: str) -> str | None:
    """Return the JSON object in *text*, without what stands before it, and with the signs of JSON.

    Comments, commands and code stand before it; web pages, tables and word processors replace
    signs.
    """
    start = text.find("{")
    if start < 0:
        return None
    shown = INVISIBLE.sub("", LINE_BREAK.sub("\n", html.unescape(text[start:])))
    signs = LAST_COMMA.sub(r"\1", shown.translate(JSON_SIGNS))
    return signs.replace('""', '"') if DOUBLED_QUOTES.match(signs) else signs


def data_url_text(text: str) -> str | None:
    """Return the text of which *text* is a `data:` URL; None if it is none."""
    found = DATA_URL.fullmatch(text)
    if not found:
        return None
    return base64_text(unquote(found[2])) if found[1] else unquote(found[2])


def percent_text(text: str) -> str | None:
    """Return what the percent encoding in *text* stands for; None if there is none.

    A form encodes a space as +, and so does nothing that writes %20.
    """
    found = PERCENT.search(text)
    if not found:
        return None
    decode = unquote if "%20" in text else unquote_plus
    return decode(text[found.start() :])


def base64_text(text: str) -> str | None:
    """Return the text of which *text* is base64 or base64url; None if there is none.

    PowerShell encodes UTF-16, of which only ASCII is read.
    """
    found = BASE64.fullmatch(BETWEEN_LINES.sub("", text))
    if not found:
        return None
    unpadded = found[1].rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        raw = b64decode(unpadded + "=" * (-len(unpadded) % 4))
        return trim(raw.removeprefix(BOM_UTF16_LE).replace(b"\0", b"").decode())
    except (binascii.Error, UnicodeDecodeError):
        return None
