"""What the write path asks of an event log; two logs answer: PostgreSQL's and the one in memory."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from app.secrets.sealing import SealedSecret
from domain.recorded import Envelope, Recorded


class Write(Struct, frozen=True, kw_only=True):
    """What one command led to; recorded all or nothing.

    `envelopes` are at least one, of one stream, with consecutive versions. `rows` holds each
    projection's row after them, None where there is none any more. `sealed` are new secrets;
    `shred` destroys all secrets of the stream.
    """

    envelopes: Sequence[Envelope]
    rows: Mapping[str, Struct | None]
    sealed: Sequence[SealedSecret] = ()
    shred: bool = False


class VersionTakenError(Exception):
    """Somebody else has appended to this stream since it was read."""


class UnavailableError(Exception):
    """The database is away, busy or did not answer; the outcome of a write may be unknown."""


class EventLog(Protocol):
    """Reads streams and appends to them, in one order for all."""

    async def read(self, workspace: str, stream: str) -> list[Recorded]:
        """Return all events of *stream*, oldest first; none where there is no such stream.

        Raises:
            UnavailableError: the database is away or busy.
        """
        ...

    async def append(self, write: Write) -> list[int]:
        """Record *write* and return the positions of its events.

        Raises:
            VersionTakenError: nothing was recorded, as the stream has moved.
            UnavailableError: the database is away or busy; whether it was recorded is unknown.
        """
        ...
