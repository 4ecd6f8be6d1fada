"""Do two VAPID keys belong together? (RFC 8292; keys as in RFC 7515, base64url)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from app.pasted_text import trim
from app.secrets.secret import Secret
from app.wrappings import readings

SCALAR_BYTES, POINT_BYTES = 32, 65  # of P-256 (RFC 8292)
MAX_DER = 200  # bytes of a P-256 key; a larger one is of another kind, and takes our time
SCALAR = re.compile(r"[\w+/-]{43}=?", re.ASCII)
STRAY = re.compile("[\\s\"'`\u200b-\u200f\u2060\ufeff]")
ESCAPED_LINE_BREAK = re.compile(r"\\+[nr]")
# Where a key stands in what tools export: PEM, a JWK, and what `web-push` prints.
PEM_BODY = re.compile(r"-----BEGIN [A-Z ]{0,20}(?:PRIVATE|PUBLIC) KEY-----([^-]*)-----END")
PRIVATE_MEMBER = re.compile(
    r"""(?:["'](?:d|privateKey)["']\s*:\s*["']|\bPrivate Key:\s*)([\w+/=-]{43,44})(?![\w+/=-])""",
    re.ASCII | re.IGNORECASE,
)
HEXADECIMAL = re.compile(r"(?:0x)?((?:[0-9a-f]{2}[\s:-]?){32,200})", re.IGNORECASE)
SIGNS = re.compile(r"[\s:-]")


def decode_key(key: str) -> bytes | None:
    """Return the bytes of a base64url (or base64) text, padded or not; None if it is none.

    White space, quotes and invisible marks in it do not count.
    """
    unpadded = STRAY.sub("", key).replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def read_private_key(pasted: Secret) -> Secret:
    """Return the private key *pasted* in base64url without padding, as senders take it alone.

    What has more than that around it stays as it is.
    """
    if not SCALAR.fullmatch(pasted.reveal_text()):
        return pasted
    return Secret(pasted.reveal().rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_"))


def is_key_pair(public: str, private: str) -> bool | None:
    """Return whether the keys are a pair; None if one of them is no key at all."""
    point, scalar = decode_key(public), decode_key(private)
    if point is None or scalar is None or (len(point), len(scalar)) != (POINT_BYTES, SCALAR_BYTES):
        return None
    found = point_of_scalar(scalar)
    return None if found is None else found == point


def is_pasted_pair(public: str, private: str) -> bool | None:
    """Return whether the keys are a pair, however they are written; None if one is no key.

    Wrapped (`NAME=…`), hexadecimal, DER, PEM and JWK are read too, as nothing else shows whether
    they belong together; a sender cannot use them, of which the check of credentials speaks.
    """
    points, scalars = {*pasted_points(public)}, {*pasted_scalars(private)}
    return not points.isdisjoint(scalars) if points and scalars else None


def pasted_points(text: str) -> Iterator[bytes]:
    """Yield the public keys that *text* may stand for, as points."""
    for raw in pasted_bytes(text):
        if len(raw) == POINT_BYTES:
            yield raw
        elif raw.startswith(b"\x30") and len(raw) <= MAX_DER:
            try:
                key = load_der_public_key(raw)
            except (ValueError, UnsupportedAlgorithm):
                continue
            if isinstance(key, ec.EllipticCurvePublicKey):
                yield key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def pasted_scalars(text: str) -> Iterator[bytes]:
    """Yield the points of the private keys that *text* may stand for."""
    for raw in pasted_bytes(text):
        try:
            if len(raw) == SCALAR_BYTES and (point := point_of_scalar(raw)):
                yield point
            elif raw.startswith(b"\x30") and len(raw) <= MAX_DER:
                key = load_der_private_key(raw, password=None)
                if isinstance(key, ec.EllipticCurvePrivateKey):
                    yield point_of(key)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue


def pasted_bytes(text: str) -> Iterator[bytes]:
    """Yield the bytes that *text* may stand for, read as base64 and as hexadecimal."""
    for reading in readings(trim(text)):
        plain = ESCAPED_LINE_BREAK.sub("", reading)
        found = PEM_BODY.search(plain) or PRIVATE_MEMBER.search(plain)
        if digits := HEXADECIMAL.fullmatch(plain):
            yield bytes.fromhex(SIGNS.sub("", digits[1]))
        elif raw := decode_key(found[1] if found else plain):
            yield raw


def point_of_scalar(scalar: bytes) -> bytes | None:
    """Return the public key of *scalar*; None if that is too small or too large for a key."""
    try:
        return point_of(ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1()))
    except ValueError:
        return None


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the point of the public key of *key*."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
