r"""Does a text contain a private key, in any of the ways that people write one?

Recognised: a PEM head; DER (PKCS#8, SEC1, PKCS#1) and OpenSSH's keys, with or without the head; a
JWK with `d`; 32 bytes or more in hexadecimal, as a list of numbers, as one number, or as programs
write bytes; a scalar of 32 bytes in base64 or base64url, also directly next to another key. Public
keys, UUIDs and shorter hexadecimal numbers, such as the ids of providers, are none of them. 64
hexadecimal digits are always taken for a key: nobody can tell them from a hash, and a name needs
neither.

No such list is complete: a key that is encrypted or in base85 is not found.
"""

import html
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import suppress
from unicodedata import category, normalize
from urllib.parse import unquote

from app.secrets.links import LINK
from app.secrets.p256_text import (
    contains_pair,
    decode,
    escaped_scalars,
    is_point,
    next_to_points,
)
from app.secrets.random_text import (
    SCALAR,
    SHORT_PIECE,
    is_random,
    joined_pieces,
    key_candidates,
)

SHORTEST_HEAD = 13  # characters of "PRIVATE KEY--"
MARK = "\0"  # stands for what was taken out; nothing is found across it
# In capitals without the dashes too; else with two of them: "our front-end private key" is a name.
PEM_HEAD = re.compile(
    r"--\s*(?:BEGIN|END)\s[A-Z0-9 ]{0,40}PRIVATE\s+KEY"
    r"|PRIVATE\s+KEY(?:\s+BLOCK)?\s*--"
    r"|(?-i:(?:BEGIN|END)\s(?:[A-Z0-9]+\s){0,3}PRIVATE\s+KEY)",
    re.IGNORECASE,
)
OTHER_HEAD = re.compile(r"PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1[02-9A-Z]{5}", re.IGNORECASE)
JWK_SCALAR = re.compile(r"""[{,]\s*["']?d["']?\s*:\s*["']?[\w+/-]{43}""", re.ASCII)
# What DER begins with: a sequence (30), its length, the version (02 01 00 or 01), and the next tag;
# and the keys of OpenSSH: their name.
DER_HEXADECIMAL = re.compile(
    r"30(?:[0-7][0-9a-f]|81[0-9a-f]{2}|82[0-9a-f]{4})02010[01](?:02|04|30)"
    rf"|{b'openssh-key-v1'.hex()}",
    re.IGNORECASE,
)
DER_BASE64 = re.compile(
    r"M(?:[A-H].CAQ[AE][CEw]|I[E-H].AgE[AB][ABM]|I[I-L]..[AQgw]IBA[ADQT])|b3BlbnNzaC1rZXktdj",
    re.ASCII,
)
# With a letter, or in one piece: dates and phone numbers are digits in many.
HEXADECIMAL = re.compile(
    r"[0-9]{64}|(?=(?:[0-9][^0-9a-z\0]{0,8}){0,63}[a-f])(?:[0-9a-f][^0-9a-z\0]{0,8}){64}",
    re.IGNORECASE,
)
HEXADECIMAL_PREFIX = re.compile(r"(?:(?<![0-9a-f])0)?x\{?(?=[0-9a-f]{2})", re.IGNORECASE)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHORT_HEXADECIMAL = re.compile(r"(?<![0-9a-f])[0-9a-f]{16,63}(?![0-9a-f])", re.IGNORECASE)
# Between dots they are addresses and versions.
NUMBERS = re.compile(
    r"(?:(?<![0-9])(?:0x[0-9a-f]{1,2}|[0-9]{1,3})[^\w.\0]{1,4}){31}[0-9]", re.ASCII
)
# A number of 256 bits as people group its digits: by three, say, with one sign between.
GROUPED = re.compile(r"(?<![0-9])[0-9]+([ _,.'])[0-9]+(?:\1[0-9]+)*(?![0-9])")
DIGITS = range(74, 79)
MAX_GROUP = 6  # digits; phone numbers have more, and all of a list as many
PADDED = re.compile(r"(?<![\w+/-])[\w+/-]{43}=(?![\w+/=-])", re.ASCII)
TOKEN = re.compile(r"(?<![\w+/-])[\w+/-]{43}(?![\w+/-])", re.ASCII)
POINT = re.compile(r"B[A-P][\w-]{75,85}=?", re.ASCII)  # whole, or without a few at its end
PUBLIC = re.compile(
    r"(?<![\w+/-])(?:"
    r"B[A-P][\w+/-]{85}(?:=|(?![\w+/-]))"  # a point of 65 bytes, and no part of a longer run
    r"|(A[g-z0-9+/_-][\w+/-]{42})(?![\w+/=-])"  # a compressed point
    r"|[\"'][xy][\"']\s*:\s*[\"'][\w-]{43}[\"']"  # the coordinates in a JWK
    r"|MFkwEwYHKoZIzj0C(?:\s*[\w+/-]){106}"  # SubjectPublicKeyInfo of P-256
    r"|(?:0[xX])?04[0-9A-Fa-f]{128}(?![\w+/-])|(?:0[xX])?0[23][0-9A-Fa-f]{64}(?![\w+/-])"
    r")",
    re.ASCII,
)
NOTHING = re.compile(r"(?!)")

NO_BASE64 = re.compile(r"[^\w+/\s\0-]", re.ASCII)
SIGNS = re.compile("[+/_-]")
# Ids in the addresses of pages and mailboxes are as random as keys, and longer; a part of 43
# characters is a key, also with one more at each end, but for ids of files at Google, which begin
# with a 1, and of channels of Teams, which end with one.
LONG_PART = re.compile(r"[\w+-]{56,}", re.ASCII)  # 42 bytes or more: a key in base64 once more
PART_OF_LINK = re.compile(  # perhaps behind a word: key_…
    r"(?<![\w+-])(?:[a-z]{3,10}[_-])?"
    r"(?=([\w+-]{43}|(?!1)[\w+-]{43}(?!1)[\w+-]|[\w+-]{45})(?![\w+-]))",
    re.ASCII,
)
KEY_AS_PATH = re.compile(  # all of it, with slashes, but without words or numbers between them
    r"^(?:[\w+.-]+://)?[^/]+/(?![\w+/-]*(?<![\w+-])(?:[a-z]+|[0-9]+)(?![\w+-]))"
    r"([\w+/-]{43})(?![\w+/-])",
    re.ASCII,
)

DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
INVISIBLE = frozenset({"Cf", "Mn", "Me"})  # categories: formats, and marks on other characters
UNICODE_ESCAPE = re.compile(r"\\+u(?:\{([0-9A-Fa-f]{1,5})\}|([0-9A-Fa-f]{4}))")


def contains_private_key(
    text: str, *, known: re.Pattern[str] = NOTHING, is_key: bool = False
) -> bool:
    """Return whether *text* is, decodes to or contains a private key.

    What *known* matches is some other kind of key, and passed over. A text that *is_key*, not a
    name, may not hold 43 characters of base64 at all; elsewhere they may be words.
    """
    if len(text) < SHORTEST_HEAD:
        return False
    plain = plain_text(text).replace(MARK, "")
    if has_head(plain) or any(escaped_scalars(visible_text(text))):
        return True
    if len(plain) < SCALAR:
        return False
    if POINT.fullmatch(joined := "".join(plain.split())):
        return not is_point(decode(joined.rstrip("="))) and contains_pair(plain)
    rest = without_public_keys(known.sub(MARK, plain))
    return bool(
        has_der(plain)
        or JWK_SCALAR.search(rest)
        or HEXADECIMAL.search(HEXADECIMAL_PREFIX.sub(" ", UUID.sub(MARK, rest)))
        or NUMBERS.search(rest)
        or PADDED.search(rest)
        or (is_key and TOKEN.search(rest))
        or any(map(is_random, base64_runs(rest)))
        or any(map(is_grouped_number, GROUPED.finditer(rest)))
        or any(contains_private_key(decoded, is_key=True) for decoded in decoded_parts(plain))
        or contains_pair(plain)
    )


def without_public_keys(plain: str) -> str:
    """Return *plain* without public keys; a private key and one letter may look like one."""
    return PUBLIC.sub(
        lambda found: MARK if not found[1] or is_point(decode(found[1])) else found[0], plain
    )


def has_key_structure(text: str) -> bool:
    """Return whether *text* has what only private keys have: a PEM head, DER, a JWK with `d`.

    A scalar alone looks like any 32 random bytes, or like a hash.
    """
    plain = plain_text(text).replace(MARK, "")
    return has_head(plain) or has_der(plain) or JWK_SCALAR.search(plain) is not None


def has_head(plain: str) -> bool:
    """Return whether the *plain* text has the head of a private key: of PEM, PuTTY or age."""
    if "PRIVATE" in plain.upper() and PEM_HEAD.search(plain):
        return True
    return OTHER_HEAD.search(plain) is not None


def is_grouped_number(found: re.Match[str]) -> bool:
    """Return whether the numbers *found* are the groups of one, as long as a key, and no list."""
    first, *middle, last = groups = found[0].split(found[1])
    sizes, ends = {*map(len, middle)}, {len(first), len(last)}
    if sum(map(len, groups)) not in DIGITS or len(sizes) != 1 or groups == sorted(groups):
        return False
    size = max(sizes)
    return max(ends) <= size and (size <= MAX_GROUP or min(ends) < size)


def has_der(plain: str) -> bool:
    """Return whether the *plain* text holds the beginning of DER or of a key of OpenSSH."""
    joined = "".join(NO_BASE64.sub("", plain).split())
    in_pieces = SIGNS.sub("", joined)
    return bool(
        DER_BASE64.search(joined) or DER_BASE64.search(in_pieces) or DER_HEXADECIMAL.search(joined)
    )


def plain_text(text: str) -> str:
    r"""Return *text* without invisible characters and escapes (`&#43;`, `%2B`, `\u002b`, `\n`)."""
    text = visible_text(text)
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text)
    if "\\" in text:
        text = UNICODE_ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
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


def base64_runs(text: str) -> Iterator[str]:
    """Yield what may be 43 characters of base64 or more; in an address, a slash ends them."""
    for address in LINK.findall(text):
        yield from PART_OF_LINK.findall(without_ids(address))
        yield from KEY_AS_PATH.findall(address)
        yield from joined_pieces(address, SHORT_PIECE)
        yield from next_to_points(address)
    rest = without_ids(LINK.sub(MARK, text))
    yield from key_candidates(rest)


def without_ids(text: str) -> str:
    """Return *text* without what is an id of small letters and digits."""
    return SHORT_HEXADECIMAL.sub(MARK, UUID.sub(MARK, text))


def decoded_parts(text: str) -> Iterator[str]:
    """Yield the texts that parts of addresses in *text* are the base64 of, if they are any.

    Elsewhere such a part is found because it looks random; ids in addresses do, too.
    """
    for address in LINK.findall(text):
        for part in LONG_PART.findall(address):
            padded = part.replace("+", "-").replace("/", "_") + "=" * (-len(part) % 4)
            with suppress(ValueError):
                yield urlsafe_b64decode(padded).decode("ascii")
