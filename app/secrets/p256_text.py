"""The keys of P-256 that a text may spell, at any place of it: points and scalars.

Any 32 bytes may be a scalar. Which one is a private key is proved by a public key, and no number
of random characters is taken for one by chance.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.secrets.random_text import SCALAR

SCALAR_BYTES, COMPRESSED_BYTES, POINT_BYTES = 32, 33, 65
COMPRESSED = (2, 3)  # what 33 bytes of a point begin with (SEC 1, 2.3.3)
UNCOMPRESSED = b"\x04"  # and 65
NO_BASE64 = re.compile(r"[^A-Za-z0-9+/_-]")
# At each place: the last of 43 characters has four bits, and two that are zero.
# There are small letters and capitals among them, and in hexadecimal there are letters.
SCALAR_BASE64 = re.compile(
    r"(?=([\w+/-]{42}[AEIMQUYcgkosw048]))(?=.{0,42}[a-z])(?=.{0,42}[A-Z])", re.ASCII
)
PIECES = {
    size: re.compile(
        rf"(?=([\w+/-]{{{size}}}([+/_-]{{1,3}}?)"
        rf"(?:[\w+/-]{{{size}}}\2){{{(SCALAR - 1) // size - 1}}}"
        rf"[\w+/-]{{{(SCALAR - 1) % size + 1}}}))",
        re.ASCII,
    )
    for size in range(1, SCALAR // 2 + 2)
}
MANY_SIGNS = re.compile("[+/_-]{8,}")  # in no key, and not between its pieces
POINT_BASE64 = re.compile(r"(?=(B[A-P][\w+/-]{85}))", re.ASCII)
BOTH_BASE64 = re.compile(r"(?=([\w+/-]{130}))", re.ASCII)  # the bytes of a point and a scalar
BOTH_RUNS = [re.compile(rf"[{signs}]{{86,}}", re.ASCII) for signs in (r"\w+/-", r"\w+-")]
NO_DIGITS = re.compile(r"(?:(?<![0-9a-f])0)?x\{?(?=[0-9a-f]{2})|[^0-9a-z]", re.IGNORECASE)
SCALAR_HEXADECIMAL = re.compile(r"(?=([0-9a-f]{64}))(?=.{0,63}[a-f])", re.IGNORECASE)
NUMBER = re.compile(r"(?:(?<![0-9A-Za-z])-)?(?:0x[0-9a-f]{1,2}|[0-9]{1,3})(?![0-9])", re.IGNORECASE)
DECIMAL = re.compile(r"(?<![0-9])[0-9](?:[ _,.']?[0-9]){73,95}(?![0-9])")
DECIMAL_SIZES = range(74, 79)  # digits of 256 bits; of 1,000 numbers one has fewer
ESCAPE = re.compile(
    r"(?:\\x|\\u00|%)([0-9a-f]{2})|\\([0-7]{3})|\\([0abtnvfr])|\\?([ -~])",
    re.ASCII | re.IGNORECASE,
)
ESCAPED = dict(zip("0abtnvfr", b"\0\a\b\t\n\v\f\r", strict=True))
PRINTABLE = range(0x20, 0x7F)
FEWEST_ESCAPED = 8  # of 32 random bytes; of a million three have fewer
# The curve: y² = x³ - 3x + B modulo PRIME (SP 800-186, 3.2.1.3).
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def point_of_scalar(scalar: bytes) -> bytes | None:
    """Return the public key of *scalar*; None if that is too small or too large for a key."""
    try:
        key = ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1())
    except ValueError:
        return None
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def contains_pair(text: str) -> bool:
    """Return whether *text* spells a private key and its public one, each in its own way.

    The public key shows by the first half of its point, in which it may be compressed, too.
    """
    joined, digits = NO_BASE64.sub("", text), NO_DIGITS.sub("", text).lower()
    if len(joined) < 2 * SCALAR:
        return False
    decoded = [decode(joined[at:]) for at in range(4)]
    points = filter(None, map(point_of_scalar, {*written_scalars(text)}))
    halves = [point[1 : 1 + SCALAR_BYTES] for point in points]
    return any(half.hex() in digits or any(half in raw for raw in decoded) for half in halves)


def next_to_points(text: str) -> Iterator[str]:
    """Yield the 43 characters before and after each public key in *text*, if they are base64."""
    for found in POINT_BASE64.finditer(text):
        start, end = found.start(), found.start() + len(found[1])
        if is_point(decode(found[1])):
            for run in (text[max(0, start - SCALAR) : start], text[end : end + SCALAR]):
                if len(run) == SCALAR and not NO_BASE64.search(run):
                    yield run


def is_point(raw: bytes) -> bool:
    """Return whether *raw* is a point of the curve, which no other 65 bytes are by chance.

    Of other 33 bytes that begin as a compressed point does, every second one is a point.
    """
    if len(raw) == COMPRESSED_BYTES and raw[0] in COMPRESSED:
        x = int.from_bytes(raw[1:])
        return x < PRIME and pow(x * (x * x - 3) + B, (PRIME - 1) // 2, PRIME) == 1
    if len(raw) != POINT_BYTES or not raw.startswith(UNCOMPRESSED):
        return False
    x, y = int.from_bytes(raw[1:33]), int.from_bytes(raw[33:])
    return max(x, y) < PRIME and (y * y - x * (x * x - 3) - B) % PRIME == 0


def written_scalars(text: str) -> Iterator[bytes]:
    """Yield each 32 bytes that *text* spells."""
    yield from base64_scalars(text)
    yield from map(bytes.fromhex, SCALAR_HEXADECIMAL.findall(NO_DIGITS.sub("", text)))
    numbers = [int(each, 0) % 256 for each in map(strip_zeros, NUMBER.findall(text))]
    yield from windows(bytes(numbers))
    for found in DECIMAL.findall(text):
        yield from decimal_scalars(re.sub("[^0-9]", "", found))
    yield from escaped_scalars(text)


def base64_scalars(text: str) -> Iterator[bytes]:
    """Yield each 32 bytes that *text* spells in base64, alone or with the bytes of a point."""
    joined = NO_BASE64.sub("", text)
    for run in (joined, *pieces(NO_BASE64.sub("-", text))):
        yield from map(decode, SCALAR_BASE64.findall(run))
    for raw in map(decode, BOTH_BASE64.findall(joined)):
        if is_point(raw[:POINT_BYTES]):
            yield raw[POINT_BYTES:]
        elif is_point(raw[SCALAR_BYTES:]):
            yield raw[:SCALAR_BYTES]
    for pattern in BOTH_RUNS:  # any two keys, without anything around them
        for run in pattern.findall(text):
            raw = decode(run)
            yield raw[:SCALAR_BYTES]
            yield raw[-SCALAR_BYTES:]


def pieces(text: str) -> Iterator[str]:
    """Yield what pieces of one length make, with one sign or more between them, at each place."""
    parts = [part for part in MANY_SIGNS.split(text) if len(part) > SCALAR]
    for size, pattern in PIECES.items():
        for found in (each for part in parts for each in pattern.finditer(part)):
            step = size + len(found[2])
            yield "".join(found[1][at : at + size] for at in range(0, len(found[1]), step))


def decimal_scalars(digits: str) -> Iterator[bytes]:
    """Yield the numbers of 256 bits in *digits*, which may begin or end with a few others."""
    for size in DECIMAL_SIZES:
        for start in range(len(digits) - size + 1):
            if (number := int(digits[start : start + size])) < 2**256:
                yield number.to_bytes(SCALAR_BYTES)


def windows(raw: bytes) -> Iterator[bytes]:
    """Yield each 32 bytes in a row of *raw*."""
    for start in range(len(raw) - SCALAR_BYTES + 1):
        yield raw[start : start + SCALAR_BYTES]


def escaped_scalars(text: str) -> Iterator[bytes]:
    r"""Yield each 32 bytes that *text* writes as programs do: `\xe4`, `\344`, `%e4`, and ASCII.

    Bytes that are a text in UTF-8 are none.
    """
    if "\\" not in text and "%" not in text:
        return
    written = bytes(map(escaped_byte, ESCAPE.finditer(text)))
    if not is_utf8(written):
        for raw in windows(written):
            if sum(byte not in PRINTABLE for byte in raw) >= FEWEST_ESCAPED:
                yield raw


def escaped_byte(found: re.Match[str]) -> int:
    """Return the byte that an ESCAPE stands for."""
    hexadecimal, octal, letter, character = found.groups()
    if hexadecimal:
        return int(hexadecimal, 16)
    if octal:
        return int(octal, 8) % 256
    return ESCAPED[letter.lower()] if letter else ord(character)


def is_utf8(raw: bytes) -> bool:
    """Return whether *raw* is a text in UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def strip_zeros(number: str) -> str:
    """Return *number* as Python reads it: `007` as `7`."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    return sign + (digits if digits[:2].lower() == "0x" else digits.lstrip("0") or "0")


def decode(run: str) -> bytes:
    """Return the bytes of a *run* of base64 or base64url without padding, as far as it goes."""
    whole = run[:-1] if len(run) % 4 == 1 else run  # one character is no byte
    return urlsafe_b64decode(whole.replace("+", "-").replace("/", "_") + "=" * (-len(whole) % 4))
