r"""Does a text contain a private key, in any of the ways that people write one?

Recognised: a PEM head; DER (PKCS#8, SEC1, PKCS#1), with or without the head; a JWK with `d`; 32
bytes or more in hexadecimal, or as a list of numbers; a scalar of 32 bytes in base64 or base64url,
also directly after another key. Public keys, UUIDs and shorter hexadecimal numbers, such as the ids
of providers, are none of them. 64 hexadecimal digits are always taken for a key: nobody can tell
them from a hash, and a name needs neither.

No such list is complete: a key that is encrypted or in base85 is not found.
"""

import html
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import suppress
from unicodedata import category, normalize
from urllib.parse import unquote

from app.secrets.random_text import SCALAR, is_name, is_random

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
# What DER begins with: a sequence (30), its length, the version (02 01 00 or 01), and the next tag.
DER_HEXADECIMAL = re.compile(
    r"30(?:[0-7][0-9a-f]|81[0-9a-f]{2}|82[0-9a-f]{4})02010[01](?:02|04|30)", re.IGNORECASE
)
DER_BASE64 = re.compile(
    r"M(?:[A-H].CAQ[AE][CEw]|I[E-H].AgE[AB][ABM]|I[I-L]..[AQgw]IBA[ADQT])", re.ASCII
)
HEXADECIMAL = re.compile(r"(?:[0-9a-f][^0-9a-z\0]{0,8}){64}", re.IGNORECASE)
HEXADECIMAL_PREFIX = re.compile(r"(?:(?<![0-9a-f])0)?x\{?(?=[0-9a-f]{2})", re.IGNORECASE)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHORT_HEXADECIMAL = re.compile(r"(?<![0-9a-f])[0-9a-f]{16,63}(?![0-9a-f])", re.IGNORECASE)
# Between dots they are addresses and versions.
NUMBERS = re.compile(
    r"(?:(?<![0-9])(?:0x[0-9a-f]{1,2}|[0-9]{1,3})[^\w.\0]{1,4}){31}[0-9]", re.ASCII
)
PADDED = re.compile(r"(?<![\w+/-])[\w+/-]{43}=(?![\w+/=-])", re.ASCII)
TOKEN = re.compile(r"(?<![\w+/-])[\w+/-]{43}(?![\w+/-])", re.ASCII)
POINT = re.compile(r"B[A-P][\w-]{75,85}=?", re.ASCII)  # whole, or without a few at its end
PUBLIC = re.compile(
    r"(?<![\w+/-])(?:"
    r"B[A-P][\w+/-]{85}(?:=|(?![\w+/-]))"  # a point of 65 bytes, and no part of a longer run
    r"|A[g-z0-9+/_-][\w+/-]{42}(?![\w+/=-])"  # a compressed point
    r"|[\"'][xy][\"']\s*:\s*[\"'][\w-]{43}[\"']"  # the coordinates in a JWK
    r"|MFkwEwYHKoZIzj0C(?:\s*[\w+/-]){106}"  # SubjectPublicKeyInfo of P-256
    r"|(?:0[xX])?04[0-9A-Fa-f]{128}(?![\w+/-])|(?:0[xX])?0[23][0-9A-Fa-f]{64}(?![\w+/-])"
    r")",
    re.ASCII,
)
NOTHING = re.compile(r"(?!)")

NO_BASE64 = re.compile(r"[^\w+/\s\0-]", re.ASCII)
WORD = r"(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]+)"
# One of them at least has three characters: else they may be the pieces of a key.
WORDS = re.compile(
    rf"(?<!\S)(?=\S*(?:[a-z]{{3}}|[A-Z]{{3}}|[0-9]{{3}})){WORD}(?:[+/_-]{WORD})*(?!\S)"
)
# Pieces of equal length, but for the last: no words, however they look.
GROUPS = re.compile(
    "|".join(
        rf"(?<!\S)(?:[\w+/-]{{{size}}}\s+){{{SCALAR // size}}}[\w+/-]{{{SCALAR % size}}}(?!\S)"
        for size in range(3, 15)
    ),
    re.ASCII,
)
SHORTEST_RUN = 40  # the last three characters of a key may be a word
# Ids in the paths of pages are as random as keys, and longer; a part of 43 characters is a key,
# also with one more at each end, but for the ids of files at Google, which are 1 and 43 more.
URL = re.compile(r"https?://[^\s<>\"'\0]+", re.IGNORECASE)
LONG_PART = re.compile(r"[\w+-]{56,}", re.ASCII)  # 42 bytes or more: a key in base64 once more
PUBLIC_AND_PRIVATE = re.compile(r"(?<![\w+-])B[A-P][\w+-]{128}(?![\w+-])", re.ASCII)
PART_OF_URL = re.compile(
    r"(?<![\w+-])(?=([\w+/-]{43}|(?!1)[\w+/-]{44}|[\w+/-]{45})(?![\w+-]))", re.ASCII
)
SIGN_IN_URL = re.compile(r"[^A-Za-z0-9]")
MAX_PIECE = 11  # characters: a quarter of a key
SHORTEST_IN_URL = 38  # of 43 characters, without those that part them

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
    if has_head(plain):
        return True
    if len(plain) < SCALAR or POINT.fullmatch("".join(plain.split())):
        return False
    rest = PUBLIC.sub(MARK, known.sub(MARK, plain))
    return bool(
        has_der(plain)
        or JWK_SCALAR.search(rest)
        or HEXADECIMAL.search(HEXADECIMAL_PREFIX.sub(" ", UUID.sub(MARK, rest)))
        or NUMBERS.search(rest)
        or PADDED.search(rest)
        or (is_key and TOKEN.search(rest))
        or any(map(is_random, base64_runs(rest)))
        or any(contains_private_key(decoded, is_key=True) for decoded in decoded_parts(plain))
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


def has_der(plain: str) -> bool:
    """Return whether the *plain* text has the beginning of a private key in DER."""
    joined = "".join(NO_BASE64.sub("", plain).split())
    return bool(DER_BASE64.search(joined) or DER_HEXADECIMAL.search(joined))


def plain_text(text: str) -> str:
    r"""Return *text* without invisible characters and escapes (`&#43;`, `%2B`, `\u002b`, `\n`)."""
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text)
    if "\\" in text:
        text = UNICODE_ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
        text = re.sub(r"\\+[nrt]", " ", text).replace("\\", "")
    if not text.isascii():
        # Marks go first: normalising takes the square of those in a row.
        text = normalize("NFKD", visible_text(text.translate(DASHES)))
        text = visible_text(text)
    return text


def visible_text(text: str) -> str:
    """Return *text* without formats and marks; a long one, too, has few different characters."""
    hidden = [ord(character) for character in set(text) if category(character) in INVISIBLE]
    return text.translate(dict.fromkeys(hidden)) if hidden else text


def base64_runs(text: str) -> Iterator[str]:
    """Yield what may be 43 characters of base64 or more, whatever stands between them.

    White space joins what it separates unless that is a word.
    """
    text = SHORT_HEXADECIMAL.sub(MARK, UUID.sub(MARK, text))
    for url in URL.findall(text):
        for part in url.split("/", 3):  # the host apart from the path
            yield from PART_OF_URL.findall(part)
            yield from pieces_in_url(part)
        yield from PUBLIC_AND_PRIVATE.findall(url)
    chunks = (MARK if is_name(chunk) else chunk for chunk in URL.sub(MARK, text).split())
    text = NO_BASE64.sub("", " ".join(chunks))
    yield from ("".join(groups.split()) for groups in GROUPS.findall(text))
    joined = PUBLIC.sub(MARK, "".join(WORDS.sub(MARK, text).split()))
    yield from (run for run in joined.split(MARK) if len(run) >= SHORTEST_RUN)


def decoded_parts(text: str) -> Iterator[str]:
    """Yield the texts that parts of addresses in *text* are the base64 of, if they are any.

    Elsewhere such a part is found because it looks random; ids in addresses do, too.
    """
    for url in URL.findall(text):
        for part in LONG_PART.findall(url):
            padded = part.replace("+", "-").replace("/", "_") + "=" * (-len(part) % 4)
            with suppress(ValueError):
                yield urlsafe_b64decode(padded).decode("ascii")


def pieces_in_url(part: str) -> Iterator[str]:
    """Yield what four pieces or more make together that one sign parts: `a.B.c`, `Ab1/cD2/eF3/g4H`.

    Two or three may be ids. The sign may be one of base64 too, so the key itself has less.
    """
    for sign in map(re.escape, sorted({*SIGN_IN_URL.findall(part)})):
        piece = rf"(?:(?!{sign})[\w+-]){{0,{MAX_PIECE}}}"
        for found in re.findall(
            rf"(?<![\w+-])(?:{piece}{sign}){{3,}}{piece}(?![\w+-])", part, re.ASCII
        ):
            joined = re.sub(sign, "", found)
            if len(joined) >= SHORTEST_IN_URL and not is_name(found):
                yield joined
