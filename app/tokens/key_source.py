"""Keys that verify tokens: what each of their sources can do."""

from typing import Protocol

from app.tokens.jwt import VerificationKey


class KeySource(Protocol):
    """Where keys come from; the defaults below suit a source that never changes.

    The order is `start()`, any number of `keys()` and `refresh()`, `stop()`.
    """

    def keys(self) -> tuple[VerificationKey, ...]:
        """Return the keys trusted now, without waiting; the same tuple until they change."""
        ...

    async def start(self) -> None:
        """Fetch the first keys. Raises JwksError if that fails."""

    async def refresh(self) -> bool:
        """Refresh because a token names an unknown key; False if there was no new look."""
        return False

    async def stop(self) -> None:
        """Let go of tasks and connections."""
