"""Keyring: what wraps the keys of secrets; a file on one machine, a KMS elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from app.secrets.errors import KeyringError, UnknownKekError
from app.secrets.secret import Secret


class WrappedKey(Struct, frozen=True, kw_only=True):
    """A key under the KEK `kek`; the format of `wrapped` is that of the kind of keyring."""

    kek: str
    wrapped: bytes

    def __repr__(self) -> str:
        return f"WrappedKey(kek={self.kek!r})"


class Mac(Struct, frozen=True):
    """A message authentication code under a key that only the KEK `kek` gives."""

    kek: str
    tag: bytes


class KekInfo(Struct, frozen=True, kw_only=True):
    """The public data of a KEK; exactly one of a keyring is `current` and wraps."""

    id: str
    state: Literal["current", "retired"]
    created_at: datetime


class Keyring(Protocol):
    """Key-encryption keys (KEKs), each with an id of its own; the keys themselves stay inside.

    `wrap` and `unwrap` are asynchronous although a file needs no waiting: a KMS answers over the
    network, and must not stop the event loop while it does. Awaiting a coroutine that never waits
    costs a fraction of a microsecond. A KMS that does not answer raises UnavailableError, for
    nothing is known of the key then.
    """

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        """Return *key* under the current KEK, bound to *aad* and to the KEK's id."""
        ...

    async def unwrap(self, wrapped_key: WrappedKey, aad: bytes) -> Secret:
        """Return the key that was wrapped with the same *aad*.

        Raises:
            UnknownKekError: the keyring does not have the KEK.
            DecryptionError: the bytes, the KEK's id or *aad* are not those of `wrap`.
        """
        ...

    async def mac(self, message: bytes, kek: str | None = None) -> Mac:
        """Return the MAC of *message*, under the current KEK or *kek*: the same one each time.

        Its key is not the KEK, and it has no nonce: it counts towards no bound of `wrap`.

        Raises:
            UnknownKekError: the keyring does not have *kek*.
        """
        ...


class ManagedKeyring(Keyring, Protocol):
    """A keyring whose KEKs can be listed, added and destroyed.

    Changes by other processes take effect with the next use at the latest.
    """

    async def keks(self) -> Sequence[KekInfo]:
        """Return the KEKs that `unwrap` can use, oldest first."""
        ...

    async def rotate(self) -> str:
        """Make a new KEK the current one, retire the others; return its id.

        Raises:
            KeyringError: the keyring cannot be changed.
        """
        ...

    async def remove(self, kek: str) -> None:
        """Destroy a retired KEK: what is wrapped under it can never be opened again.

        Raises:
            UnknownKekError: the keyring does not have it.
            KeyringError: it is the current one, or the keyring cannot be changed.
        """
        ...

    async def close(self) -> None:
        """Close connections, if there are any."""
        ...


async def current_kek(keyring: ManagedKeyring) -> str:
    """Return the id of the KEK that `wrap` uses.

    Raises:
        KeyringError: there is none, for example if the key was never created in a KMS.
    """
    for kek in await keyring.keks():
        if kek.state == "current":
            return kek.id
    problem = "has no current key"
    raise KeyringError(problem, "make one, or point INTEGRATIONS_KEYRING at another")


async def require_retired(keyring: ManagedKeyring, kek: str) -> None:
    """Raise UnknownKekError if *keyring* lacks *kek*, KeyringError if it is current."""
    states = {listed.id: listed.state for listed in await keyring.keks()}
    if kek not in states:
        raise UnknownKekError(kek)
    if states[kek] == "current":
        problem = f"wraps with {kek}, which is current"
        raise KeyringError(problem, "run integrations keys rotate, then rewrap, and try again")
