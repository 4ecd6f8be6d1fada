"""The keyring of one machine: a file that only its owner can read, created at first start."""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.private_files import PrivateFileError, create_private_file, read_private_file
from app.secrets.errors import KeyringError, UnknownKekError
from app.secrets.keyring import KekInfo, Mac, WrappedKey
from app.secrets.sealing import KEY_BYTES, compute_mac, unwrap_key, wrap_key
from app.secrets.secret import Secret


class Kek(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One key of the file; exactly one is `current` and wraps, the `retired` only unwrap.

    `id` is an epoch, counted from 1, and 8 random hex digits, independent of `key` (32 bytes): it
    reveals nothing of the key, and the first KEKs of two machines differ.
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
    """Return a fresh current KEK: 32 bytes from the operating system's random generator."""
    return Kek(
        id=f"kek-{epoch}-{secrets.token_hex(4)}",
        state="current",
        created_at=datetime.now(UTC).replace(microsecond=0),
        key=Secret(secrets.token_bytes(KEY_BYTES)),
    )


def encode_keyring(*keks: Kek) -> Secret:
    """Return the file's bytes: indented JSON, keys in base64."""
    keyring = KeyringFile(version=1, keks=keks)
    return Secret(msgspec.json.format(msgspec.json.encode(keyring, enc_hook=to_base64)) + b"\n")


def decode_keyring(content: Secret, path: Path) -> tuple[Kek, ...]:
    """Return the KEKs in *content*, which is that of the file *path*.

    Raises:
        KeyringError: the content is unusable.
    """
    try:
        # Content and keys are Secrets even here, and msgspec's error, which may repeat a value,
        # is dropped: a traceback that shows variables shows no key.
        keks = msgspec.json.decode(content.reveal(), type=KeyringFile, dec_hook=from_base64).keks
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # msgspec raises each
        problem = f"{path} is empty, broken or not of version 1"
        raise KeyringError(problem) from None
    if (fault := next(find_faults(keks), None)) is not None:
        problem = f"{path} {fault}"
        raise KeyringError(problem)
    return keks


def find_faults(keks: tuple[Kek, ...]) -> Iterator[str]:
    """Yield what is wrong with *keks* as a whole."""
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


MAX_FILE_BYTES = 1 << 20  # thousands of KEKs


class FileKeyring:
    """The KEKs of one file as it was when it was read, held in memory; implements `Keyring`."""

    __slots__ = ("_current", "_keks")

    def __init__(self, keks: Sequence[Kek]) -> None:
        self._keks = {kek.id: kek for kek in keks}
        (self._current,) = (kek for kek in keks if kek.state == "current")

    @property
    def current(self) -> str:
        """Return the id of the KEK that `wrap` uses."""
        return self._current.id

    def ids(self) -> frozenset[str]:
        """Return the ids of all KEKs that `unwrap` can use."""
        return frozenset(self._keks)

    def kek_infos(self) -> list[KekInfo]:
        """Return the public data of the KEKs, in the order of the file."""
        return [
            KekInfo(id=kek.id, state=kek.state, created_at=kek.created_at)
            for kek in self._keks.values()
        ]

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        """Return *key* under the current KEK, bound to *aad* and to the KEK's id."""
        return wrap_key(self._current.id, self._current.key, key, aad)

    async def unwrap(self, wrapped_key: WrappedKey, aad: bytes) -> Secret:
        """Return the key that was wrapped with the same *aad*.

        Raises:
            UnknownKekError: the file does not have the KEK.
            DecryptionError: the bytes, the KEK's id or *aad* are not those of `wrap`.
        """
        return unwrap_key(self._kek(wrapped_key.kek).key, wrapped_key, aad)

    async def mac(self, message: bytes, kek: str | None = None) -> Mac:
        """Return the MAC of *message*, under the current KEK or *kek*; raise UnknownKekError."""
        used = self._current if kek is None else self._kek(kek)
        return Mac(used.id, compute_mac(used.key, message))

    def _kek(self, kek_id: str) -> Kek:
        if (kek := self._keks.get(kek_id)) is None:
            raise UnknownKekError(kek_id)
        return kek

    def __repr__(self) -> str:
        return f"FileKeyring(current={self.current!r}, keks={len(self._keks)})"


def open_file_keyring(path: Path) -> FileKeyring:
    """Return the keyring in the file *path*, created with a first KEK if it is missing.

    Raises:
        KeyringError: the file cannot be created, read or trusted.
    """
    try:
        if not path.exists():
            create_private_file(path, encode_keyring(new_kek(epoch=1)).reveal())
    except OSError as error:
        problem = f"{path} cannot be opened ({error.strerror})"
        raise KeyringError(problem) from None
    return FileKeyring(read_keks(path))


def read_keks(path: Path) -> tuple[Kek, ...]:
    """Return the KEKs in the file *path*.

    Raises:
        KeyringError: the file is missing, or cannot be read or trusted.
    """
    try:
        content = Secret(read_private_file(path, MAX_FILE_BYTES))
    except PrivateFileError as error:
        problem = f"{path} {error}"
        raise KeyringError(problem, error.remedy) from None
    except OSError as error:
        problem = f"{path} cannot be opened ({error.strerror})"
        remedy = (
            "copy the file from the host or backup that has it, or for a new installation start the"
            " service here once (integrations serve, which also says what to do if it is lost for"
            " good)"
        )
        is_missing = isinstance(error, FileNotFoundError)
        raise KeyringError(problem, remedy if is_missing else None) from None
    return decode_keyring(content, path)
