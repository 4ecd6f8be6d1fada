"""Secrets with a marker that the checker searches in all bytes, in every encoding."""

import secrets
from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct


class SecretMarker(Struct, frozen=True):
    """A marker that occurs nowhere else, and the encodings in which it may occur in bytes."""

    text: str
    spellings: Sequence[bytes]

    def secret(self, number: int) -> str:
        """Return the secret number *number*."""
        return f"{self.text}-{number}"

    def occurs_in(self, data: bytes) -> bool:
        """Return whether a secret occurs in *data*."""
        return any(spelling in data for spelling in self.spellings)


def new_marker() -> SecretMarker:
    """Return a new marker: as text, in hex, and in base64 at each of the three offsets."""
    text = "CANARY" + secrets.token_hex(9)
    raw = text.encode()
    # In base64 the characters that depend on the mark's neighbours are cut off.
    shifted = [b64encode(raw[skip : skip + (len(raw) - skip) // 3 * 3]) for skip in range(3)]
    return SecretMarker(text, [raw, raw.hex().encode(), raw.hex().upper().encode(), *shifted])
