"""Does a text show a secret: as it is, trimmed, or encoded in another way?"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from app.pasted_text import trim, unwrap
from app.secrets.private_key_text import plain_text
from app.secrets.secret import Secret

Form = Literal["whole", "letters", "folded"]
MIN_SECRET_LENGTH = 8  # characters; a shorter secret may be part of a text by chance
MAX_RATIO = 3  # of the characters of a secret, with all between its pieces, to those of a text
BOUNDARY = "\0"  # between texts, so that nothing is found across two of them
# What people put between the pieces of a key, padding, and letters that nobody sees.
SEPARATORS = re.compile(r"[\W_\u115f\u1160]")
BASE64 = re.compile(r"[\w+/-]+={0,2}", re.ASCII)
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def find_disclosures(texts: Mapping[str, str], secrets: Iterable[Secret]) -> Iterator[str]:
    """Yield the names of the *texts* that contain one of *secrets* in one of its spellings."""
    long = {name: text for name, text in texts.items() if len(text) >= MIN_SECRET_LENGTH}
    if not long:
        return
    longest = max(map(len, long.values()))
    revealed = [unwrap(trim(each.reveal().decode(errors="replace"))).text for each in secrets]
    # The others are passed over before they unfold: some letters become many.
    likely = [each for each in revealed if MIN_SECRET_LENGTH <= len(each) <= MAX_RATIO * longest]
    if not likely:
        return
    shown = forms(plain_text(BOUNDARY.join(long.values())))
    found: list[tuple[Form, str]] = [
        (form, spelling)
        for secret in likely
        for form, spelling in spellings(secret, longest)
        if len(spelling) >= MIN_SECRET_LENGTH and spelling in shown[form]
    ]
    for name in long if found else ():
        text = forms(plain_text(long[name]))
        if any(spelling in text[form] for form, spelling in found):
            yield name


def forms(plain: str) -> Mapping[Form, str]:
    """Return the forms of *plain* texts in which spellings are looked for; they stay apart."""
    letters = BOUNDARY.join(map(letters_of, plain.split(BOUNDARY)))
    return {"whole": plain, "letters": letters, "folded": letters.lower()}


def spellings(secret: str, longest: int) -> Iterator[tuple[Form, str]]:
    """Yield the spellings of *secret*, and in which form of a text each is looked for.

    Those that are too long for a text of *longest* characters are left out.
    """
    decoded = [raw for raw in decodings(secret) if len(raw) >= MIN_SECRET_LENGTH]
    for text in (secret, *(raw.decode() for raw in decoded if raw.isascii())):
        plain = plain_text(text)
        yield "whole", plain
        yield "letters", letters_of(plain)
    for raw in (secret.encode(errors="replace"), *decoded):
        yield from encodings(raw, longest)


def encodings(raw: bytes, longest: int) -> Iterator[tuple[Form, str]]:
    """Yield *raw* in base64url and in hexadecimal, unless they are longer than *longest*."""
    if len(raw) <= longest:
        yield "letters", letters_of(urlsafe_b64encode(raw).decode())
    if 2 * len(raw) <= longest:
        yield "folded", raw.hex()


def decodings(text: str) -> Iterator[bytes]:
    """Yield what *text* decodes to, read as base64 and as hexadecimal."""
    if BASE64.fullmatch(text):
        unpadded = text.rstrip("=").replace("+", "-").replace("/", "_")
        if len(unpadded) % 4 != 1:
            yield urlsafe_b64decode(unpadded + "=" * (-len(unpadded) % 4))
    if HEXADECIMAL.fullmatch(text):
        yield bytes.fromhex(text)


def letters_of(text: str) -> str:
    """Return the letters and digits of *text*: base64 and base64url are alike, split or whole."""
    return SEPARATORS.sub("", text)
