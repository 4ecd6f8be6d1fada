"""The characters that pasting adds to a text, and whether a text shows anything."""

import re
from unicodedata import category

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
JOINERS = "\u200c\u200d"
VARIATION_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
HIDDEN = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f)"  # a flag, which tags make
    "|[\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffc\U00013441\U00013442\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    f"\U000e0000-\U000e00ff\U000e01f0-\U000e0fff{JOINERS}{VARIATION_SELECTORS}]+"
)
# After what these have a use: not after Latin letters, nor selectors after most others.
USES = (
    (re.compile(f"[{VARIATION_SELECTORS}]"), re.compile("[\xa9\xae\u1000-\U0010ffff]")),
    (re.compile(f"[{JOINERS}]"), re.compile("[\u0250-\U0010ffff]")),
)
KEYCAP = "\u20e3"
SPACE = re.compile(f"[{SPACES}]")
INVISIBLE = re.compile(f"[{INVISIBLES}]")
BLANK = re.compile(f"[{SPACES}{INVISIBLES}{BLANKS}{ASTRAL_BLANKS}]")
VISIBLE_CATEGORIES = "LNPS"  # letters, numbers, punctuation, symbols; marks need one of them
# Unicode keeps these for emoji and ideographs: those newer than our Python's tables are visible.
RESERVED = re.compile("[\U0001f000-\U0001faff\U00020000-\U0002fffd\U00030000-\U0003fffd]")
TRIMMED = "".join(
    chr(code) for code in range(0x10000) if re.match(f"[{SPACES}{INVISIBLES}]", chr(code))
)


def trim(text: str) -> str:
    """Return *text* without white space and invisible characters at its ends."""
    return text.strip(TRIMMED)


def trimmed_part(text: str) -> str:
    """Return what `trim` removes from *text*."""
    rest = text.lstrip(TRIMMED)
    return text[: len(text) - len(rest)] + rest[len(rest.rstrip(TRIMMED)) :]


def strip_hidden(text: str) -> str:
    """Return *text* without characters that show nothing and belong to no spelling.

    Two texts that look alike are alike then. Joiners and direction marks stay, as in Persian and
    Hebrew names, and what makes an emoji or a flag.
    """
    return HIDDEN.sub(part_with_use, text)


def part_with_use(found: re.Match[str]) -> str:
    """Return what has a use of *found*, a flag or hidden characters: one selector, one joiner."""
    if found[1]:
        return found[1]
    start, end = found.span()
    before = found.string[max(start - 1, 0) : start]
    is_in_keycap = found.string[end : end + 1] == KEYCAP
    parts = [kind.search(found[0]) for kind, after in USES if after.match(before) or is_in_keycap]
    return "".join(part[0] for part in parts if part)


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
