"""Tokens that were verified a moment ago: saves their signature's mathematics."""

from msgspec import Struct

from app.tokens.jws import VerificationKey
from app.tokens.principal import Principal

LIFE = 60.0  # seconds
CAPACITY = 4096

Keys = tuple[VerificationKey, ...]


class Entry(Struct, frozen=True):
    """Who a token speaks for, and from when to when we go by it."""

    principal: Principal
    since: float
    until: float


class TokenCache:
    """Remembers up to *capacity* verified tokens, each for at most 60 s and not past its own end.

    It holds for one tuple of keys: with another one it begins anew, so that a revoked key counts
    from the moment that its source knows. Keyed by the whole token: a part of one, its signature
    say, would let a forged one in. For one thread, as the event loop is.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: dict[str, Entry] = {}
        self._keys: Keys = ()

    def get(self, token: str, keys: Keys, now: float) -> Principal | None:
        """Return whom *token* speaks for, if it was verified with *keys* and still counts."""
        entry = self._entries.get(token)
        if entry is None or keys is not self._keys or not entry.since <= now < entry.until:
            return None
        return entry.principal

    def put(self, token: str, keys: Keys, entry: Entry) -> None:
        """Remember a verified *token*; the oldest makes room."""
        if keys is not self._keys:
            self._entries.clear()
            self._keys = keys
        self._entries.pop(token, None)
        self._entries[token] = entry
        if len(self._entries) > self._capacity:
            del self._entries[next(iter(self._entries))]
