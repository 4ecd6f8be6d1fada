"""What the write path needs of an event log: one is PostgreSQL's, and tests have one in memory."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from app.event_store.snapshots import StreamState
from app.secrets.sealing import SealedSecret
from domain.envelope import Envelope, RecordedEvent


class StoredResponse(Struct, frozen=True):
    """The first response to a request with an idempotency key, stored for 24 h with what it did.

    `fingerprint` identifies that request, by a MAC; `body` is the response's, byte for byte.
    """

    key: str
    fingerprint: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes


class Changeset(Struct, frozen=True, kw_only=True):
    """What one command led to; stored all or nothing.

    `envelopes` are of the one stream, with consecutive versions. `before` and `rows` hold each
    projection's row before and after them, None if there is none. `sealed` are new secrets, which
    replace older versions of their fields, and a CredentialsDestroyed deletes those of its fields;
    `deletes_secrets` deletes all secrets of the stream.
    """

    workspace: str
    stream: str
    envelopes: Sequence[Envelope]
    before: Mapping[str, Struct | None]
    rows: Mapping[str, Struct | None]
    sealed: Sequence[SealedSecret] = ()
    deletes_secrets: bool = False
    response: StoredResponse | None = None


class DuplicateRequestError(Exception):
    """A request with this idempotency key has a stored response; nothing was recorded."""


class RequestInProgressError(Exception):
    """A request with this idempotency key is being recorded just now; nothing was recorded."""


class ConcurrencyError(Exception):
    """Somebody else has appended to this stream since it was read."""


class EventLog(Protocol):
    """Reads streams and appends to them, in one order for all."""

    async def read(self, workspace: str, stream: str) -> list[RecordedEvent]:
        """Return all events of *stream*, oldest first; none if there is no such stream.

        Raises:
            UnavailableError: the database is away or busy.
        """
        ...

    async def load(self, workspace: str, stream: str) -> StreamState:
        """Return *stream* folded up to its last event.

        What it costs does not grow with the stream.

        Raises:
            UnavailableError: the database is away or busy.
        """
        ...

    async def append(self, write: Changeset) -> list[int]:
        """Record *write* and return the positions of its events.

        Raises:
            ConcurrencyError: nothing was recorded, as the stream has moved.
            DuplicateRequestError, RequestInProgressError: nothing was recorded, because of its
                idempotency key.
            UnavailableError: the database is away or busy; whether it was recorded is unknown.
        """
        ...

    async def stored_response(self, workspace: str, key: str) -> StoredResponse | None:
        """Return the response stored for the idempotency key within 24 h, confirmed safe.

        Raises:
            UnavailableError: the database is away or busy.
        """
        ...

    async def confirm(self) -> None:
        """Return once all that has been recorded is safe.

        What can be read may still be lost with its server, if its outcome was unknown to who
        recorded it. No "it already is so" is returned before.

        Raises:
            UnavailableError: the database is away or busy, or has no standby now.
        """
        ...
