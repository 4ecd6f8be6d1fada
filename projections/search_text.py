"""Folds text so that people find and order names whatever their case, accents and form."""

# ruff: noqa: RUF001 — these letters are meant
import re
from unicodedata import decimal, normalize

MAX_SORTED_NAME = 240  # characters of a sort key; a name has 120, and few letters become several
# Marks that may be left out: accents (Latin, Greek, Cyrillic), Hebrew points, Arabic vowels and the
# stroke that lengthens a word, the dot of Devanagari (nukta), and characters that show nothing.
# Vowel signs of other scripts stay.
OPTIONAL_MARKS = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u08d3-\u08ff\u093c\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f"
    "\ufe20-\ufe2f\ufeff]"
)
# Letters that people type as others, and that Unicode does not take apart.
LETTERS = str.maketrans(
    {
        "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae",
        "œ": "oe", "þ": "th",
        "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه",
    }
)  # fmt: skip
# Of Unicode's category Pd, in the Basic Multilingual Plane; and the minus sign.
DASHES = (
    "\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e17\u2e1a\u2e3a\u2e3b"
    "\u2e40\u2e5d\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d"
)
# What a keyboard has one sign for, and a word processor replaces.
SIGNS = str.maketrans(
    {
        **dict.fromkeys(
            "\u2018\u2019\u201a\u201b\u02b9\u02bb\u02bc\u02bd\u05f3\u2032\u2039\u203a`´", "'"
        ),
        **dict.fromkeys("\u05f4\u201c\u201d\u201e\u201f\u2033«»", '"'),
        **dict.fromkeys(DASHES, "-"),
        "،": ",", "؛": ";", "؟": "?", "٪": "%", "۔": ".",
    }
)  # fmt: skip
SPACES = re.compile(r"\s+")
DIGIT = re.compile(r"[^\D0-9]")
PUNYCODE = re.compile(r"xn--([a-z0-9-]+)")


def normalize_for_search(text: str) -> str:
    """Return *text* without what the languages do not tell words apart by: case, accents, forms.

    Digits of any script are alike, as are the forms of apostrophes, quotes, hyphens and Arabic
    punctuation, and one space and several, of any kind.

    Bound its length first: normalizing is quadratic in the marks of one letter.
    """
    if text.isascii():
        folded = text.lower().replace("`", "'")
        return SPACES.sub(" ", folded) if "  " in text or not text.isprintable() else folded
    folded = normalize("NFKD", normalize("NFKD", text.translate(SIGNS)).casefold())
    folded = normalize("NFKD", OPTIONAL_MARKS.sub("", folded).translate(LETTERS))
    return SPACES.sub(" ", DIGIT.sub(lambda digit: str(decimal(digit[0])), folded))


def decode_domains(folded: str) -> str:
    """Return *folded* with the labels of domains in it that are in punycode in their own script."""
    return PUNYCODE.sub(decode_label, folded) if "xn--" in folded else folded


def decode_label(found: re.Match[str]) -> str:
    """Return the folded label that is *found* in punycode, or as it is if it is none."""
    try:
        label = found[1].encode().decode("punycode")
    except UnicodeError:
        return found[0]
    return normalize_for_search(label) if label.isprintable() else found[0]


def sort_key(name: str) -> str:
    """Return what names are sorted by: their folded form, then their code points.

    No name has a line break, which comes before all that they have.
    """
    return f"{normalize_for_search(name)[:MAX_SORTED_NAME]}\n{name}"
