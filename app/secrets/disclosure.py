"""Does a text show a secret: as it is, trimmed, or encoded in another way?"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping

from app.secrets.private_key_text import plain_text
from app.secrets.secret import Secret

MIN_SECRET_LENGTH = 8  # characters; a shorter secret may be part of a text by chance
MAX_WRAPPING = 64  # characters around a secret that are not part of it
WRAPPING = " \t\r\n\v\f\u00a0\u200b\ufeff\"'`"
BOUNDARY = "\0"  # between texts, so that nothing is found across two of them
PREFIX = re.compile(r"^(?:Bearer\s+|[A-Z][A-Z0-9_]*=(?=[^=]))", re.IGNORECASE)
SEPARATORS = re.compile(r"[\s=:]")
BASE64 = re.compile(r"[\w+/-]+={0,2}", re.ASCII)
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def find_disclosures(texts: Mapping[str, str], secrets: Iterable[Secret]) -> Iterator[str]:
    """Yield the names of the *texts* that contain one of *secrets* in one of its spellings."""
    long = {name: text for name, text in texts.items() if len(text) >= MIN_SECRET_LENGTH}
    if not long:
        return
    shown = normalize(plain_text(BOUNDARY.join(long.values())))
    folded = shown.lower()
    found = [
        (spelling, is_hex)
        for secret in secrets
        if len(secret.reveal()) <= 2 * len(shown) + MAX_WRAPPING  # no spelling is below half of it
        for spelling, is_hex in spellings(secret)
        if spelling in (folded if is_hex else shown)
    ]
    for name in long if found else ():
        text = normalize(plain_text(long[name]))
        if any(s in (text.lower() if is_hex else text) for s, is_hex in found):
            yield name


def spellings(secret: Secret) -> Iterator[tuple[str, bool]]:
    """Yield the normalized spellings of *secret*, and whether each is hexadecimal."""
    trimmed = unwrap(secret.reveal().decode(errors="replace"))
    if len(trimmed) < MIN_SECRET_LENGTH:
        return
    yield normalize(plain_text(trimmed)), False
    yield from encodings(trimmed.encode(errors="replace"))
    for raw in decodings(trimmed):
        if len(raw) >= MIN_SECRET_LENGTH:
            yield from encodings(raw)
            if raw.isascii():
                yield normalize(raw.decode()), False


def encodings(raw: bytes) -> Iterator[tuple[str, bool]]:
    """Yield *raw* in base64url and in hexadecimal."""
    yield urlsafe_b64encode(raw).decode().rstrip("="), False
    yield raw.hex(), True


def decodings(text: str) -> Iterator[bytes]:
    """Yield what *text* decodes to, read as base64 and as hexadecimal."""
    if BASE64.fullmatch(text):
        unpadded = normalize(text)
        if len(unpadded) % 4 != 1:
            yield urlsafe_b64decode(unpadded + "=" * (-len(unpadded) % 4))
    if HEXADECIMAL.fullmatch(text):
        yield bytes.fromhex(text)


def unwrap(text: str) -> str:
    """Return *text* without quotes, white space, `Bearer` and `NAME=` around it."""
    return PREFIX.sub("", text.strip(WRAPPING), count=1).strip(WRAPPING)


def normalize(text: str) -> str:
    """Return *text* without white space, padding and colons, base64 as base64url."""
    return SEPARATORS.sub("", text).replace("+", "-").replace("/", "_")
