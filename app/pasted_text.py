"""How a text is read that somebody pasted: what goes at its ends, and what it is wrapped in."""

import binascii
import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from enum import Enum
from unicodedata import category
from urllib.parse import unquote

from msgspec import Struct

# The content of character classes, in a syntax that ECMA-262 shares.
SPACES = (
    r"\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # str.isspace
)
# Soft hyphen, zero-width characters, marks and controls of the text's direction, BOM.
INVISIBLES = r"\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
# What shows nothing and still has a meaning at an end: fillers, variation selectors, placeholders.
BLANKS = r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff9-\ufffc"
ASTRAL_BLANKS = (
    "\U00013441\U00013442\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
SPACE = re.compile(f"[{SPACES}]")
INVISIBLE = re.compile(f"[{INVISIBLES}]")
BLANK = re.compile(f"[{SPACES}{INVISIBLES}{BLANKS}{ASTRAL_BLANKS}]")
VISIBLE_CATEGORIES = "LNPS"  # letters, numbers, punctuation, symbols; marks need one of them
# Unicode keeps these for emoji and ideographs: those newer than our Python's tables are visible.
RESERVED = re.compile("[\U0001f000-\U0001faff\U00020000-\U0002fffd\U00030000-\U0003fffd]")
TRIMMED = "".join(
    chr(code) for code in range(0x10000) if re.match(f"[{SPACES}{INVISIBLES}]", chr(code))
)
QUOTES = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\xab\xbb\u2039\u203a"
SCHEME = re.compile(  # with the name of its header or without
    r"(?:(?:(?:-h|--header)\s+)?[\"']?(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)?"
    r"(?:bearer|basic|token)\s+(?=\S)",
    re.IGNORECASE,
)
VARIABLE = re.compile(  # also a member of JSON, and what shells, Docker and scripts put before it
    r"(?:(?:export|set|setx|env|declare -x|const|let|var|-e|-)\s+){0,2}(?:\$env:)?"
    r"(?:[a-z_][\w.-]{0,99}\s*(?:=|:\s)|([\"'])[a-z_][\w.-]{0,99}\1\s*:)\s*"
    r"(?:[|>][+-]?[ \t]*\n\s*)?(?=[^=\s])",  # a block of YAML
    re.ASCII | re.IGNORECASE,
)
FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*(?:[A-Za-z][\w.+-]*(?=\s))?")  # of code in Markdown
DATA_URL = re.compile(r"data:[^,]{0,100}?(;base64)?,(.+)", re.IGNORECASE | re.DOTALL)  # RFC 2397
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
BARE = re.compile(r"[\w.+/-]+={0,2}", re.ASCII)  # as most keys are: nothing is around it
LAST_COMMA = re.compile(r",(\s*[}\]])")
JSON_SIGNS = str.maketrans({**dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'), "\xa0": " "})
MAX_LAYERS = 4  # wrappings within each other: NAME="Bearer …" has three


class Wrapping(Enum):
    """What a value is wrapped in, by the looks of it."""

    QUOTES = "quotes"
    SCHEME = "scheme"  # Bearer …, as in a header
    VARIABLE = "variable"  # NAME=…, as in a file of environment variables


class UnwrappedText(Struct, frozen=True):
    """A text without what it was wrapped in."""

    text: str
    wrappings: frozenset[Wrapping]

    def __repr__(self) -> str:
        return f"UnwrappedText(…, {self.wrappings})"


def trim(text: str) -> str:
    """Return *text* without white space and invisible characters at its ends."""
    return text.strip(TRIMMED)


def trimmed_part(text: str) -> str:
    """Return what `trim` removes from *text*."""
    rest = text.lstrip(TRIMMED)
    return text[: len(text) - len(rest)] + rest[len(rest.rstrip(TRIMMED)) :]


def shows_nothing(text: str) -> bool:
    """Return whether *text* has no visible character."""
    if text.isascii() and text.isprintable():
        return not text or text.isspace()
    return not any(map(is_visible, set(text)))  # a set: a hostile text repeats few characters


def is_visible(character: str) -> bool:
    """Return whether *character* shows something by itself."""
    if BLANK.match(character):
        return False
    return category(character)[0] in VISIBLE_CATEGORIES or RESERVED.match(character) is not None


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


def outer_layer(text: str) -> tuple[Wrapping, str] | None:
    """Return the outermost wrapping of *text* and what is in it; None if there is none."""
    for pattern, wrapping in ((SCHEME, Wrapping.SCHEME), (VARIABLE, Wrapping.VARIABLE)):
        if found := pattern.match(text):
            return wrapping, trim(text[found.end() :])
    if found := FENCE.match(text):
        return Wrapping.QUOTES, fenced_text(text, found)
    ended = text.rstrip(";,")
    if ended and (ended[0] in QUOTES or ended[-1] in QUOTES):
        return Wrapping.QUOTES, trim(ended.strip(QUOTES))
    return None


def fenced_text(text: str, fence: re.Match[str]) -> str:
    """Return what is in the block of code *text*, which begins with *fence*, with an end or not."""
    inner = trim(trim(text[fence.end() :]).removesuffix(fence[1]))
    return inner or trim(text[fence.end(1) :].removesuffix(fence[1]))


def readings(text: str, layers: int = MAX_LAYERS) -> Iterator[str]:
    """Yield *text* and what it may stand for: unwrapped, unescaped, decoded (base64, `data:`)."""
    yield text
    if layers:
        inner = (
            *(unwrap(text).text, json_string(text), unescape(text)),
            *(base64_text(text), data_url_text(text), bare_object(text)),
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

    Comments, commands and code stand before it; web pages and word processors replace signs.
    """
    start = text.find("{")
    if start < 0:
        return None
    return LAST_COMMA.sub(r"\1", html.unescape(text[start:]).translate(JSON_SIGNS))


def data_url_text(text: str) -> str | None:
    """Return the text of which *text* is a `data:` URL; None if it is none."""
    found = DATA_URL.fullmatch(text)
    if not found:
        return None
    return base64_text(unquote(found[2])) if found[1] else unquote(found[2])


def base64_text(text: str) -> str | None:
    """Return the text of which *text* is base64 or base64url; None if there is none."""
    joined = "".join(text.split())
    if not BASE64.fullmatch(joined):
        return None
    unpadded = joined.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return trim(b64decode(unpadded + "=" * (-len(unpadded) % 4)).decode())
    except (binascii.Error, UnicodeDecodeError):
        return None
