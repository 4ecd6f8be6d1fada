"""The write path: read, fold, decide, append; the loser of a race decides again."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct

from app.database.availability import UnavailableError
from app.event_store.protocol import Changeset, ConcurrencyError, EventLog, StoredResponse
from app.event_store.snapshots import StreamState
from app.keyed_lock import KeyedLock
from app.secrets.sealing import SealedSecret
from domain.envelope import Envelope, EventMetadata
from domain.errors import VersionMismatchError
from domain.integration import (
    CreateIntegration,
    Integration,
    IntegrationCommand,
    IntegrationDeleted,
    IntegrationEvent,
    decider,
)
from projections.integration_view import IntegrationRow, integration_view
from projections.registry import JOURNALS

MAX_ATTEMPTS = 20
Clock = Callable[[], datetime]


class PreparedCommand(Struct, frozen=True):
    """A command, and the secrets that its credentials name."""

    command: IntegrationCommand
    sealed: Sequence[SealedSecret] = ()


CommandFactory = Callable[[Integration], Awaitable[PreparedCommand]]


class CommandRequest(Struct, frozen=True, kw_only=True):
    """A command, the stream that it is for, and where it came from.

    `ask` holds the command, or makes it of the integration as it is: what is sealed is bound
    to the version that its field has then. `expected` are the versions of the stream of which one
    must be the present one, None for any. `answer` renders what is kept under the request's
    idempotency key.
    """

    workspace: str
    stream: str
    origin: EventMetadata
    ask: PreparedCommand | CommandFactory
    expected: frozenset[int] | None = None
    answer: Callable[[IntegrationRow | None], StoredResponse] | None = None


class CommandHandler:
    """Executes commands on an event log; nothing else appends to it."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.turns = KeyedLock()

    async def execute(self, request: CommandRequest) -> IntegrationRow | None:
        """Record what the command leads to; return the integration after it, None if deleted.

        Raises:
            DomainError: the command was refused; nothing is recorded.
            AlreadyAnsweredError, StillRunningError: its idempotency key was used; nothing is
                recorded.
            UnavailableError: the database is away or busy, or the stream is too contended;
                whether anything was recorded is unknown.
        """
        try:
            return await self._attempt(request, 0)
        except ConcurrencyError:
            pass
        # Losers of one stream go one after the other: racing on, the slowest might never win.
        async with self.turns.hold((request.workspace, request.stream)):
            for attempt in range(1, MAX_ATTEMPTS):
                with suppress(ConcurrencyError):
                    return await self._attempt(request, attempt)
        raise UnavailableError

    async def _attempt(self, request: CommandRequest, attempt: int) -> IntegrationRow | None:
        write = await self._decide(request, await self._past(request, attempt))
        if write.envelopes or write.answer:
            await self.log.append(write)
        else:
            await self.log.confirm()
        return view_row(write)

    async def _decide(self, request: CommandRequest, past: StreamState) -> Changeset:
        prepared = await resolve_command(request, past.integration)
        events = decider.decide(prepared.command, past.integration)
        require_expected_version(request, past.version)
        new = wrap_events(events, request, after=past.version, at=self.clock())
        rows = past.apply(new).rows
        before = past.rows[integration_view.name]
        entries = {name: [*j.following(before, new)] for name, j in JOURNALS.items()}
        return Changeset(
            workspace=request.workspace,
            stream=request.stream,
            envelopes=new,
            before=past.rows,
            rows=rows,
            entries=entries,
            sealed=prepared.sealed,
            deletes_secrets=any(isinstance(event, IntegrationDeleted) for event in events),
            answer=request.answer and request.answer(rows[integration_view.name]),
        )

    async def _past(self, request: CommandRequest, attempt: int) -> StreamState:
        if attempt == 0 and creates_integration(request.ask):
            return (
                StreamState()
            )  # a new id: were it taken, the append loses, and the next attempt reads
        return await self.log.load(request.workspace, request.stream)


async def resolve_command(request: CommandRequest, integration: Integration) -> PreparedCommand:
    """Return the command of *request*, made of *integration* where it depends on it."""
    return (
        request.ask if isinstance(request.ask, PreparedCommand) else await request.ask(integration)
    )


def creates_integration(ask: PreparedCommand | CommandFactory) -> bool:
    """Tell whether *ask* makes a new integration."""
    return isinstance(ask, PreparedCommand) and isinstance(ask.command, CreateIntegration)


def require_expected_version(request: CommandRequest, version: int) -> None:
    """Raise VersionMismatchError where the stream's *version* is none that the request expects."""
    if request.expected is not None and version not in request.expected:
        raise VersionMismatchError


def view_row(write: Changeset) -> IntegrationRow | None:
    """Return the integration as everybody may see it after *write*."""
    return write.rows[integration_view.name]  # pyright: ignore[reportReturnType] — its own row


def wrap_events(
    events: Sequence[IntegrationEvent], request: CommandRequest, *, after: int, at: datetime
) -> list[Envelope]:
    """Return *events* with their place in the stream, from version *after* + 1 on."""
    return [
        Envelope(
            workspace=request.workspace,
            stream=request.stream,
            version=version,
            at=at,
            origin=request.origin,
            event=event,
        )
        for version, event in enumerate(events, start=after + 1)
    ]


def utc_now() -> datetime:
    """Return the time, UTC, in whole milliseconds: what events and answers can tell."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
