"""A text as it is meant: without invisible characters, escapes and, if wanted, accents."""

import html
import re
from unicodedata import category, normalize
from urllib.parse import unquote

DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
INVISIBLE = frozenset({"Cf", "Mn", "Me"})  # categories: formats, and marks on other characters
UNICODE_ESCAPE = re.compile(r"\\+u([0-9A-Fa-f]{4})")


def plain_text(text: str) -> str:
    r"""Return *text* without invisible characters and escapes (`&#43;`, `%2B`, `\u002b`, `\n`)."""
    text = visible_text(text)
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text)
    if "\\" in text:
        text = UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        text = re.sub(r"\\+[nrt]", " ", text).replace("\\", "")
    if text.isascii():
        return text
    # Marks go first: normalising takes the square of those in a row. Accented letters stay, as
    # they are no part of a key.
    return visible_text(normalize("NFKC", visible_text(text.translate(DASHES))))


def unaccented_text(text: str) -> str:
    """Return the plain text of *text* without accents, in whichever form they are written."""
    plain = plain_text(text)
    return plain if plain.isascii() else visible_text(normalize("NFKD", plain))


def visible_text(text: str) -> str:
    """Return *text* without formats and marks; a long one, too, has few different characters."""
    if text.isascii():
        return text
    hidden = [ord(character) for character in set(text) if category(character) in INVISIBLE]
    return text.translate(dict.fromkeys(hidden)) if hidden else text
