"""What is sent to the transit engine, and the parts of its answers that count."""

from collections.abc import Mapping
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from app.secrets.secret import Secret

T = TypeVar("T")
UnixTime = Annotated[int, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999


class Data(Struct, Generic[T]):
    """Every answer of Vault's holds what was asked for as `data`."""

    data: T


class Encrypted(Struct):
    """What encrypting leads to: `vault:v`, the key's version, `:`, base64."""

    ciphertext: str


class Decrypted(Struct):
    """What decrypting leads to, in base64."""

    plaintext: str

    def __repr__(self) -> str:
        return "Decrypted(…)"


class KeyStatus(Struct):
    """What Vault tells of a key: its versions with their Unix times, and which may be used."""

    keys: Mapping[int, UnixTime]
    latest_version: int
    min_decryption_version: int


def body_of(**fields: str | int) -> Secret:
    """Return *fields* as JSON; among them may be a key."""
    return Secret(msgspec.json.encode(fields))
