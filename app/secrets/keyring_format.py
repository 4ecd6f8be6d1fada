"""What stands in a keyring file: KEKs as JSON, and what makes such a file unusable."""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.secrets.errors import KeyringError
from app.secrets.sealing import KEY_BYTES
from app.secrets.secret import Secret


class Kek(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One key of the file; exactly one is `current` and wraps, the `retired` only unwrap.

    `id` is an epoch, counted from 1, and 8 random hex digits, drawn apart from `key` (32 bytes):
    it tells nothing of the key, and the first KEKs of two machines differ.
    """

    id: Annotated[str, Meta(pattern=r"^kek-[1-9][0-9]{0,17}-[0-9a-f]{8}\Z")]
    state: Literal["current", "retired"]
    created_at: Annotated[datetime, Meta(tz=True)]
    key: Secret


class KeyringFile(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The whole file; `version` is that of its format."""

    version: Literal[1]
    keks: tuple[Kek, ...]


def new_kek(epoch: int) -> Kek:
    """Return a fresh current KEK; 32 bytes of the operating system's randomness."""
    return Kek(
        id=f"kek-{epoch}-{secrets.token_hex(4)}",
        state="current",
        created_at=datetime.now(UTC).replace(microsecond=0),
        key=Secret(secrets.token_bytes(KEY_BYTES)),
    )


def encode(*keks: Kek) -> Secret:
    """Return the file's bytes: indented JSON, keys in base64."""
    keyring = KeyringFile(version=1, keks=keks)
    return Secret(msgspec.json.format(msgspec.json.encode(keyring, enc_hook=to_base64)) + b"\n")


def decode(content: Secret, path: Path) -> tuple[Kek, ...]:
    """Return the KEKs that the file *path* has as its *content*.

    Raises:
        KeyringError: the content is unusable.
    """
    try:
        # Content and keys are Secrets even here, and msgspec's own error, which may repeat
        # a value, stays inside: a traceback that shows variables shows no key.
        keks = msgspec.json.decode(content.reveal(), type=KeyringFile, dec_hook=from_base64).keks
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # msgspec raises each
        problem = f"{path} is empty, broken or not of version 1"
        raise KeyringError(problem) from None
    if (fault := next(faults(keks), None)) is not None:
        problem = f"{path} {fault}"
        raise KeyringError(problem)
    return keks


def faults(keks: tuple[Kek, ...]) -> Iterator[str]:
    """Yield what is wrong with *keks* taken together."""
    if len({kek.id for kek in keks}) < len(keks):
        yield "holds two keys with the same id"
    if [kek.state for kek in keks].count("current") != 1:
        yield "does not hold exactly one current key"
    if any(len(kek.key.reveal()) != KEY_BYTES for kek in keks):
        yield f"holds a key that is not {KEY_BYTES} bytes long"


def to_base64(secret: Secret) -> str:
    """Encode a key for the file; the only place where a Secret may be encoded."""
    return b64encode(secret.reveal()).decode()


def from_base64(_type: type[Secret], text: str) -> Secret:
    """Decode a key of the file; msgspec makes a ValueError into its ValidationError."""
    return Secret(b64decode(text, validate=True))
