"""Do two VAPID keys belong together? (RFC 8292; keys as in RFC 7515, base64url)."""

import binascii
import re
from base64 import b64decode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POINT_BYTES = 65
SCALAR_BYTES = 32
STRAY = re.compile("[\\s\"'`\u200b-\u200f\u2060\ufeff]")


def decode_key(key: str) -> bytes | None:
    """Return the bytes of a base64url (or base64) text, padded or not; None if it is none.

    White space, quotes and invisible marks in it do not count.
    """
    unpadded = STRAY.sub("", key).replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def is_key_pair(public: str, private: str) -> bool | None:
    """Return whether the keys are a pair; None if one of them is no key at all."""
    point, scalar = decode_key(public), decode_key(private)
    if point is None or scalar is None or (len(point), len(scalar)) != (POINT_BYTES, SCALAR_BYTES):
        return None
    try:
        key = ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1()).public_key()
    except ValueError:
        return None
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) == point
