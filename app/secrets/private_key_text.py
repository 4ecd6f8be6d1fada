r"""Does a text contain a private key, in one of the ways in which people paste them?

Found are the head of a PEM; DER in base64; a JWK with `d`; 32 bytes or more in hexadecimal, also
byte by byte (`aa:bb`, `0xaa, 0xbb`, `\xaa\xbb`), and 32 as a list of numbers; and 32 bytes in
base64 or base64url, padded or not, in one line or two, with a public key directly next to them, and
encoded once more. Escapes and invisible characters in them do not count (`plain_text`).

Not found are keys that are encrypted, in base32 or base85, one large number, bytes with characters
among them as Python shows them (`b'\xe4t'`), the bytes of two keys in one base64, and what somebody
cut into three pieces or more. In the address of a page, only a whole part is looked at.

Public keys, UUIDs and shorter hexadecimal numbers, such as ids of providers, are no private keys.
64 hexadecimal digits always are: nobody can tell them from a hash, and a name needs neither.
"""

import re
from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from app.secrets.plain_text import plain_text
from app.secrets.random_text import MARK, UUID, is_random, key_candidates

NOTHING = re.compile(r"(?!)")
# In capitals without dashes too; else with two of them: "our front-end private key" is a name.
PEM_HEAD = re.compile(
    r"--\s*(?:BEGIN|END)\s[A-Z0-9 ]{0,40}PRIVATE\s+KEY"
    r"|(?-i:(?:BEGIN|END)\s(?:[A-Z0-9]+\s){0,3}PRIVATE\s+KEY)",
    re.IGNORECASE,
)
# DER begins with a sequence (30), its length in one to three bytes, and the version (020100 or 01).
DER = re.compile(
    r"M[A-H][\w+/-]CAQ[AE]|MI[E-H][\w+/-]AgE[AB]|MI[I-L][\w+/-]{2}[AQgw]IBA[ADQT]", re.ASCII
)
JWK_SCALAR = re.compile(r"""[{,]\s*["']?d["']?\s*:\s*["']?[\w+/-]{43}""", re.ASCII)

HEXADECIMAL = re.compile(r"(?:(?:0?x)?[0-9a-f]{2}[\s:,._-]{0,6}){32}", re.IGNORECASE)
HEXADECIMAL_LETTER = re.compile("[a-f]", re.IGNORECASE)  # dates and phone numbers have none
SHORTEST = 40  # characters of what has no structure: 43 of base64 of which some were not copied
NUMBERS = re.compile(r"(?:-?[0-9]{1,3}\s*,\s*){31}-?[0-9]")
PADDED = re.compile(r"(?<![\w+/-])[\w+/-]{43}=(?![\w+/=-])", re.ASCII)
# Whole, or without what was not copied of it, if it does not begin as a public key does.
SCALAR = re.compile(r"(?<![\w+/-])(?:[\w+/-]{43}|(?!B[A-P])[\w+/-]{40,42})(?![\w+/-])", re.ASCII)

POINT = re.compile(r"(?=(B[A-P][\w+/-]{85}))", re.ASCII)  # a public key, at each place
# One with a wrong character is no point; shorter ones may be a private key and a word.
WRONG_POINT = re.compile(r"(?<![\w+/-])B[A-P][\w+/-]{85}(?![\w+/-])", re.ASCII)
CUT_POINT = re.compile(r"(?<![\w+/-])B[A-P][\w+/-]{58,84}(?![\w+/-])", re.ASCII)
PUBLIC = re.compile(
    r"[\"'][xy][\"']\s*:\s*[\"'][\w-]{43}[\"']"  # the coordinates in a JWK
    r"|MFkwEwYHKoZIzj0C(?:\s*[\w+/-]){106}"  # SubjectPublicKeyInfo of P-256, as in a PEM
    r"|(?<![0-9])4(?:\s*,\s*[0-9]{1,3}){64}"  # its 65 bytes, as a list, and in hexadecimal
    r"|(?<![0-9a-f])(?:0x)?04[0-9a-f]{128}(?![0-9a-f])",
    re.ASCII | re.IGNORECASE,
)


def contains_private_key(
    text: str, *, known: re.Pattern[str] = NOTHING, is_key: bool = False
) -> bool:
    """Return whether *text* is, decodes to or contains a private key.

    What *known* matches is some other kind of key, and passed over. A text that *is_key*, not a
    name, may be in several lines, and a public key that was cut short, but not 43 characters of
    base64 at all; elsewhere they may be words.
    """
    plain = plain_text(text).replace(MARK, "")
    if has_structure(plain):
        return True
    if len(plain) < SHORTEST:
        return False  # as most names are
    if is_key:
        plain = "".join(plain.split())
    rest = without_public_keys(known.sub(MARK, plain))
    if has_numbers(rest) or PADDED.search(rest):
        return True
    if is_key:
        rest = CUT_POINT.sub(MARK, rest)
        if SCALAR.search(rest):
            return True
    return any(map(is_random, key_candidates(rest)))


def has_key_structure(text: str) -> bool:
    """Return whether *text* has what only private keys have: a PEM head, DER, a JWK with `d`.

    A scalar alone looks like any 32 random bytes, or like a hash.
    """
    return has_structure(plain_text(text))


def has_structure(plain: str) -> bool:
    """Return whether the *plain* text has what only private keys have."""
    return any(pattern.search(plain) for pattern in (PEM_HEAD, DER, JWK_SCALAR))


def has_numbers(plain: str) -> bool:
    """Return whether the *plain* text has 32 bytes in hexadecimal or as a list of numbers."""
    found = HEXADECIMAL.findall(re.sub(UUID, MARK, plain, flags=re.IGNORECASE))
    return any(map(HEXADECIMAL_LETTER.search, found)) or NUMBERS.search(plain) is not None


def without_public_keys(plain: str) -> str:
    """Return *plain* without public keys, also those with a private key directly next to them."""
    for run in POINT.findall(plain):
        if is_point(run):
            plain = plain.replace(run, MARK)
    return PUBLIC.sub(MARK, WRONG_POINT.sub(MARK, plain))


def is_point(run: str) -> bool:
    """Return whether the 87 characters of *run* are a point of the curve, as none is by chance."""
    raw = urlsafe_b64decode(run.replace("+", "-").replace("/", "_") + "=")
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    except ValueError:
        return False
    return True
