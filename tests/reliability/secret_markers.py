"""Secrets with a mark that is looked for in every byte, however it may be written."""

import secrets
from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct


class SecretMarker(Struct, frozen=True):
    """A mark that stands nowhere else, and the ways in which it may stand in bytes."""

    text: str
    spellings: Sequence[bytes]

    def secret(self, number: int) -> str:
        """Return the secret number *number*."""
        return f"{self.text}-{number}"

    def occurs_in(self, data: bytes) -> bool:
        """Tell whether a secret stands in *data*."""
        return any(spelling in data for spelling in self.spellings)


def new_marker() -> SecretMarker:
    """Return a new mark: as text, in hex, and in base64 wherever it may begin there."""
    text = "CANARY" + secrets.token_hex(9)
    raw = text.encode()
    # In base64 the characters that depend on the mark's neighbours are cut off.
    shifted = [b64encode(raw[skip : skip + (len(raw) - skip) // 3 * 3]) for skip in range(3)]
    return SecretMarker(text, [raw, raw.hex().encode(), raw.hex().upper().encode(), *shifted])
