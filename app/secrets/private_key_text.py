"""Does a text contain a private key, in any of the ways that people write one?

Recognised: a PEM head; DER (PKCS#8, SEC1, PKCS#1), with or without the head; a JWK with `d`; 32
bytes or more in hexadecimal; a scalar of 32 bytes in base64 or base64url, also directly after
another key. Public keys, UUIDs and shorter hexadecimal numbers, such as the ids of providers, are
none of them. 64 hexadecimal digits are always taken for a key: nobody can tell them from a hash,
and a name needs neither.
"""

import re
import unicodedata
from base64 import urlsafe_b64decode
from itertools import pairwise
from urllib.parse import unquote

SCALAR = 43  # characters of 32 bytes in base64 without padding
SHORTEST_HEAD = 13  # characters of "PRIVATE KEY--"
# In capitals without the dashes too; else with two of them: "our front-end private key" is a name.
PEM_HEAD = re.compile(
    r"[-\u2010-\u2015]{2}\s*(?:BEGIN|END)\s[A-Z0-9 ]{0,40}PRIVATE\s+KEY"
    r"|PRIVATE\s+KEY(?:\s+BLOCK)?\s*[-\u2010-\u2015]{2}"
    r"|(?-i:(?:BEGIN|END)\s(?:[A-Z0-9]+\s){0,3}PRIVATE\s+KEY)",
    re.IGNORECASE,
)
JWK_SCALAR = re.compile(r"""[{,]\s*["']?d["']?\s*:\s*["']?[\w+/-]{43}""", re.ASCII)
HEXADECIMAL = re.compile(r"(?:(?:0?x)?[0-9a-f]{2}[\s:,._-]{0,2}){32}", re.IGNORECASE)
# What DER begins with, in hexadecimal: some keys of providers are as long as such a private key.
DER_HEXADECIMAL = re.compile(
    r"30(?:[0-7][0-9a-f]|81[0-9a-f]{2}|82[0-9a-f]{4})02010[01](?:02|04|30)", re.IGNORECASE
)
PADDED = re.compile(r"(?<![\w+/-])[\w+/-]{43}=(?![\w+/=-])", re.ASCII)
TOKEN = re.compile(r"(?<![\w+/-])[\w+/-]{43}(?![\w+/-])", re.ASCII)
# Longer than most words, or bytes in a row: what most texts do not have, found in one search.
SUSPICIOUS = re.compile(r"[\w+/=-]{16}|(?:(?:0?[xX])?[0-9A-Fa-f]{2}[\s:,._-]*){16}", re.ASCII)
RUN = re.compile(r"[\w+/-]{43,}", re.ASCII)
# White space between pieces that are too long for most words: a key that was wrapped.
WRAP = re.compile(r"(?<=[\w+/-]{8})\s+(?=[\w+/-]{8})", re.ASCII)
DER_PRIVATE = re.compile(
    rb"\x30(?:[\x01-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01][\x02\x04\x30]", re.DOTALL
)
POINT = re.compile(r"B[A-P][\w-]{75,85}=?", re.ASCII)  # whole, or without a few at its end
PUBLIC = re.compile(
    r"(?<![\w+/-])(?:"
    r"B[A-P][\w+/-]{85}(?:=|(?![\w+/-]))"  # a point of 65 bytes, and no part of a longer run
    r"|A[g-z0-9+/_-][\w+/-]{42}(?![\w+/=-])"  # a compressed point
    r"|MFkwEwYHKoZIzj0C(?:\s*[\w+/-]){106}"  # SubjectPublicKeyInfo of P-256
    r"|(?:0[xX])?04[0-9A-Fa-f]{128}(?![\w+/-])|(?:0[xX])?0[23][0-9A-Fa-f]{64}(?![\w+/-])"
    r")",
    re.ASCII,
)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHORT_HEXADECIMAL = re.compile(r"(?<![0-9a-f])[0-9a-f]{16,63}(?![0-9a-f])", re.IGNORECASE)
NOTHING = re.compile(r"(?!)")

CLASSES = str.maketrans(
    {
        **dict.fromkeys("abcdefghijklmnopqrstuvwxyz", "l"),
        **dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "U"),
        **dict.fromkeys("0123456789", "9"),
        **dict.fromkeys("+/-_", "-"),
    }
)
# How much likelier two neighbours are in a random text than in words: the base-2 logarithm, from
# the classes' shares in base64 and those in names made of words, in CamelCase or with hyphens.
LIKELIHOOD = {
    pair: weight
    for weight, pairs in {
        -3: ["9-"],
        -2: ["l-"],
        -1: ["ll", "U-", "99"],
        0: ["UU", "Ul", "-l", "-U", "-9"],
        1: ["U9", "9l"],
        2: ["l9", "9U", "--"],
        3: ["lU"],
    }.items()
    for pair in pairs
}
RANDOM = -6  # of 10,000 keys one has less; of names with 43 characters in one piece few have more
RANDOM_LETTERS = 14  # for letters only, which one key in 7,000 is, and many a name in CamelCase


def contains_private_key(
    text: str, *, known: re.Pattern[str] = NOTHING, is_key: bool = False
) -> bool:
    """Return whether *text* is, decodes to or contains a private key.

    What *known* matches is some other kind of key, and passed over. A text that *is_key*, not a
    name, may not hold 43 characters of base64 at all; elsewhere they may be words, if they look
    like them or are letters only.
    """
    if len(text) < SHORTEST_HEAD:
        return False
    plain = plain_text(text)
    if "PRIVATE" in plain.upper() and PEM_HEAD.search(plain):
        return True
    if len(plain) < SCALAR:
        return False
    if not SUSPICIOUS.search(plain) or POINT.fullmatch(plain):
        return False
    rest = PUBLIC.sub(" | ", known.sub(" | ", plain))
    return bool(
        JWK_SCALAR.search(rest)
        or DER_HEXADECIMAL.search(plain)
        or HEXADECIMAL.search(UUID.sub(" | ", rest))
        or PADDED.search(rest)
        or (is_key and TOKEN.search(rest))
        or contains_random_run(WRAP.sub("", rest))
    )


def plain_text(text: str) -> str:
    r"""Return *text* without invisible characters and escapes (`%2B`, `\/`, `\n`)."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn"))
    if "%" in text:
        text = unquote(text)
    if "\\" in text:
        text = re.sub(r"\\+[nrt]", " ", text).replace("\\", "")
    return text


def contains_random_run(text: str) -> bool:
    """Return whether *text* has 43 characters of base64 that are DER, or unlike words."""
    if not RUN.search(text):
        return False
    words = SHORT_HEXADECIMAL.sub(" | ", UUID.sub(" | ", text))
    return any(is_der(run) for run in RUN.findall(text)) or any(map(is_random, RUN.findall(words)))


def is_der(run: str) -> bool:
    """Return whether *run* is the beginning of a private key in DER, in base64."""
    return (
        DER_PRIVATE.match(urlsafe_b64decode(run[:24].replace("+", "-").replace("/", "_")))
        is not None
    )


def is_random(run: str) -> bool:
    """Return whether 43 characters in a row look drawn by lot."""
    least = RANDOM_LETTERS if run.isalpha() else RANDOM
    classes = run.translate(CLASSES)
    steps = [LIKELIHOOD[a + b] for a, b in pairwise(classes)]
    score = sum(steps[: SCALAR - 1])
    for gone, new in zip(steps, steps[SCALAR - 1 :], strict=False):
        if score >= least:
            return True
        score += new - gone
    return score >= least
