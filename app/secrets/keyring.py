"""Keyring: what wraps the keys of secrets; a file on one machine, a KMS elsewhere."""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from app.secrets.errors import KeyringError
from app.secrets.secret import Secret


class WrappedKey(Struct, frozen=True, kw_only=True):
    """A key under a KEK: `kek` names it, `wrapped` is what that kind of keyring makes of it."""

    kek: str
    wrapped: bytes

    def __repr__(self) -> str:
        return f"WrappedKey(kek={self.kek!r})"


class Keyring(Protocol):
    """Key-encryption keys (KEKs), each with an id of its own; the keys themselves stay inside.

    `wrap` and `unwrap` are asynchronous although a file needs no waiting: a KMS answers over the
    network, and must not stop the event loop while it does. Awaiting a coroutine that never waits
    costs a fraction of a microsecond. `current` and `ids` are known without asking anybody.
    """

    @property
    def current(self) -> str:
        """Return the id of the KEK that `wrap` uses."""
        ...

    def ids(self) -> frozenset[str]:
        """Return the ids of all KEKs that `unwrap` can use."""
        ...

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


def require_keks(keyring: Keyring, in_use: Iterable[str]) -> None:
    """Raise KeyringError, in one line, where *keyring* lacks a KEK of those *in_use*."""
    missing = sorted(set(in_use) - keyring.ids())
    if missing:
        problem = f"lacks {', '.join(missing)}, under which secrets are stored"
        raise KeyringError(problem)
