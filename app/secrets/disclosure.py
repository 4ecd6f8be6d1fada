"""Does a text show a secret: as it is, trimmed, or encoded in another way?"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal

from app.pasted_text import trim
from app.secrets.plain_text import unaccented_text
from app.secrets.private_key_text import is_point
from app.secrets.secret import Secret
from app.wrappings import unwrap

Form = Literal["whole", "letters", "folded"]
MIN_SECRET_LENGTH = 8  # characters; a shorter secret may be part of a text by chance
MAX_RATIO = 3  # of the characters of a secret, with all between its pieces, to those of a text
MAX_PARTS = 32  # of a secret that are secrets themselves
BOUNDARY = "\0"  # between texts, so that nothing is found across two of them
# What people put between the pieces of a key, padding, and letters that nobody sees.
SEPARATORS = re.compile(r"[\W_\u115f\u1160]")
BASE64 = re.compile(r"[\w+/-]+={0,2}", re.ASCII)
# Of a text: a slash is a sign of base64, or stands before it, as in an address.
BASE64_PARTS = [re.compile(rf"[{signs}]{{12,}}", re.ASCII) for signs in (r"\w+/-", r"\w+-")]
PARTS = (
    re.compile(r"^(?:[\w.+@-]{1,64}:){1,3}(?!//)(\S+)$", re.ASCII),  # as in Basic
    re.compile(r"^[\w.+@-]{1,64}[\s/|;,]{1,3}(?=\S*[0-9])(\S+)$", re.ASCII),  # and no two words
    re.compile(r"://(?:[^/@:\s]*:)?([^/@\s]+)@"),  # with a name in front or without
    re.compile(  # in JSON, in a query, and as a variable
        r"(?:key|secret|token|password|passwd|pwd|pass)[\\\"']*\s*[:=]\s*[\\\"']*([^\s\\\"',;&{}]+)",
        re.IGNORECASE,
    ),
)
POINT = re.compile(r"B[A-P][\w+/-]{85}=?", re.ASCII)
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def find_disclosures(texts: Mapping[str, str], secrets: Iterable[Secret]) -> Iterator[str]:
    """Yield the names of the *texts* that contain one of *secrets* in one of its spellings."""
    long = {name: text for name, text in texts.items() if len(text) >= MIN_SECRET_LENGTH}
    if not long:
        return
    longest = max(map(len, long.values()))
    revealed = [part for secret in secrets for part in islice(parts(secret), MAX_PARTS)]
    # The others are passed over before they unfold: some letters become many.
    likely = [each for each in revealed if MIN_SECRET_LENGTH <= len(each) <= MAX_RATIO * longest]
    if not likely:
        return
    shown = forms(BOUNDARY.join(long.values()))
    found: list[tuple[Form, str]] = [
        (form, spelling)
        for secret in likely
        for form, spelling in spellings(secret, longest)
        if len(spelling) >= MIN_SECRET_LENGTH and spelling in shown[form]
    ]
    for name in long if found else ():
        text = forms(long[name])
        if any(spelling in text[form] for form, spelling in found):
            yield name


def parts(secret: Secret) -> Iterator[str]:
    """Yield the text of *secret*, and what in it, or in what it decodes to, is a secret by itself.

    That is the password of an address or behind a name, and what is called a key in JSON and the
    like. Other members, such as the project of a service account, are known to many, and so is a
    public VAPID key, which people paste with the private one.
    """
    whole = unwrap(trim(secret.reveal().decode(errors="replace"))).text
    yield whole
    for text in (whole, *(raw.decode() for raw in decodings(whole) if raw.isascii())):
        for pattern in PARTS:
            yield from (part for part in pattern.findall(text) if not is_public_key(part))


def is_public_key(part: str) -> bool:
    """Return whether *part* is a public VAPID key, whole and by itself."""
    return POINT.fullmatch(part) is not None and is_point(part[:87])


def forms(texts: str) -> Mapping[Form, str]:
    """Return the forms of *texts*, and of what they are base64 of, in which spellings are found.

    The texts stay apart. `Basic …` is base64 of a name and a secret.
    """
    plain = unaccented_text(texts)
    plain = BOUNDARY.join((plain, *map(unaccented_text, decoded_parts(plain))))
    letters = BOUNDARY.join(map(letters_of, plain.split(BOUNDARY)))
    return {"whole": plain, "letters": letters, "folded": letters.lower()}


def decoded_parts(text: str) -> Iterator[str]:
    """Yield the texts that parts of *text* decode to; of UTF-16 too, if it is ASCII."""
    for pattern in BASE64_PARTS:
        for part in pattern.findall(text):
            for raw in decodings(part):
                yield raw.decode(errors="replace").replace(BOUNDARY, "")


def spellings(secret: str, longest: int) -> Iterator[tuple[Form, str]]:
    """Yield the spellings of *secret*, and in which form of a text each is looked for.

    Those that are too long for a text of *longest* characters are left out.
    """
    decoded = [raw for raw in decodings(secret) if len(raw) >= MIN_SECRET_LENGTH]
    for text in (secret, *(raw.decode() for raw in decoded if raw.isascii())):
        plain = unaccented_text(text)
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
