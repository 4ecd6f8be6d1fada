"""Does a text show a secret: as it is, trimmed, or encoded in another way?"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from app.secrets.private_key_text import plain_text
from app.secrets.secret import Secret

Form = Literal["whole", "letters", "folded"]
MIN_SECRET_LENGTH = 8  # characters; a shorter secret may be part of a text by chance
MAX_WRAPPING = 64  # characters around a secret that are not part of it
WRAPPING = " \t\r\n\v\f\u00a0\u200b\ufeff\"'`"
BOUNDARY = "\0"  # between texts, so that nothing is found across two of them
PREFIX = re.compile(r"^(?:Bearer\s+|[A-Z][A-Z0-9_]*=(?=[^=]))", re.IGNORECASE)
# What people put between the pieces of a key, padding, and letters that nobody sees.
SEPARATORS = re.compile(r"[\W_\u115f\u1160]")
BASE64 = re.compile(r"[\w+/-]+={0,2}", re.ASCII)
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def find_disclosures(texts: Mapping[str, str], secrets: Iterable[Secret]) -> Iterator[str]:
    """Yield the names of the *texts* that contain one of *secrets* in one of its spellings."""
    long = {name: text for name, text in texts.items() if len(text) >= MIN_SECRET_LENGTH}
    if not long:
        return
    shown = forms(BOUNDARY.join(long.values()))
    # No spelling is below half of a secret, or a quarter of one in wide characters. What is longer
    # is passed over before its spellings are made, which takes long of letters that unfold.
    longest = 4 * max(map(len, long.values())) + MAX_WRAPPING
    found: list[tuple[Form, str]] = [
        (form, spelling)
        for secret in secrets
        if len(secret.reveal()) <= longest
        for form, spelling in spellings(secret)
        if len(spelling) >= MIN_SECRET_LENGTH and spelling in shown[form]
    ]
    for name in long if found else ():
        text = forms(long[name])
        if any(spelling in text[form] for form, spelling in found):
            yield name


def forms(text: str) -> Mapping[Form, str]:
    """Return the forms of *text* in which spellings are looked for; texts stay apart."""
    whole = plain_text(text)
    letters = BOUNDARY.join(map(letters_of, whole.split(BOUNDARY)))
    return {"whole": whole, "letters": letters, "folded": letters.lower()}


def spellings(secret: Secret) -> Iterator[tuple[Form, str]]:
    """Yield the spellings of *secret*, and in which form of a text each is looked for."""
    trimmed = unwrap(secret.reveal().decode(errors="replace"))
    if len(trimmed) < MIN_SECRET_LENGTH:
        return
    plain = plain_text(trimmed)
    yield "whole", plain
    yield "letters", letters_of(plain)
    yield from encodings(trimmed.encode(errors="replace"))
    for raw in decodings(trimmed):
        if len(raw) >= MIN_SECRET_LENGTH:
            yield from encodings(raw)
            if raw.isascii():
                yield "whole", raw.decode()
                yield "letters", letters_of(raw.decode())


def encodings(raw: bytes) -> Iterator[tuple[Form, str]]:
    """Yield *raw* in base64url, in hexadecimal, and as a list of numbers."""
    yield "letters", letters_of(urlsafe_b64encode(raw).decode())
    yield "letters", "".join(map(str, raw))
    yield "folded", raw.hex()


def decodings(text: str) -> Iterator[bytes]:
    """Yield what *text* decodes to, read as base64 and as hexadecimal."""
    if BASE64.fullmatch(text):
        unpadded = text.rstrip("=").replace("+", "-").replace("/", "_")
        if len(unpadded) % 4 != 1:
            yield urlsafe_b64decode(unpadded + "=" * (-len(unpadded) % 4))
    if HEXADECIMAL.fullmatch(text):
        yield bytes.fromhex(text)


def unwrap(text: str) -> str:
    """Return *text* without quotes, white space, `Bearer` and `NAME=` around it."""
    return PREFIX.sub("", text.strip(WRAPPING), count=1).strip(WRAPPING)


def letters_of(text: str) -> str:
    """Return the letters and digits of *text*: base64 and base64url are alike, split or whole."""
    return SEPARATORS.sub("", text)
