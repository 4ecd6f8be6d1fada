"""The write path: read, fold, decide, append; the loser of a race decides again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from app.log.event_log import EventLog, UnavailableError, VersionTakenError, Write
from app.secrets.sealing import SealedSecret
from domain.integration import (
    CreateIntegration,
    IntegrationCommand,
    IntegrationDeleted,
    IntegrationEvent,
    decider,
)
from domain.recorded import Envelope, Origin
from projections.catalogue import PROJECTIONS
from projections.integration_view import IntegrationRow, integration_view

ATTEMPTS = 20
Clock = Callable[[], datetime]


class Request(Struct, frozen=True, kw_only=True):
    """A command, the stream that it is for, and where it came from.

    `sealed` are the secrets that the command's credentials name.
    """

    workspace: str
    stream: str
    command: IntegrationCommand
    origin: Origin
    sealed: Sequence[SealedSecret] = ()


class Executor:
    """Executes commands on an event log; nothing else appends to it."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock

    async def execute(self, request: Request) -> IntegrationRow | None:
        """Record what the command leads to; return the integration after it, None if deleted.

        Raises:
            DomainError: the command was refused; nothing is recorded.
            UnavailableError: the database is away or busy, or the stream is too contended;
                whether anything was recorded is unknown.
        """
        for _ in range(ATTEMPTS):
            history = await self._history(request)
            events = decider.decide(request.command, decider.fold(e.event for e in history))
            new = envelopes_of(events, request, after=len(history), at=self.clock())
            if not new:
                return integration_view.fold(history)
            try:
                return await self._append(request, history, new)
            except VersionTakenError:
                continue
        raise UnavailableError

    async def _history(self, request: Request) -> Sequence[Envelope]:
        if isinstance(request.command, CreateIntegration):
            return ()  # a new id: were it taken, the append would lose
        return await self.log.read(request.workspace, request.stream)

    async def _append(
        self, request: Request, history: Sequence[Envelope], new: Sequence[Envelope]
    ) -> IntegrationRow | None:
        rows = {name: p.fold((*history, *new)) for name, p in PROJECTIONS.items()}
        shred = any(isinstance(envelope.event, IntegrationDeleted) for envelope in new)
        await self.log.append(Write(envelopes=new, rows=rows, sealed=request.sealed, shred=shred))
        return rows[integration_view.name]


def envelopes_of(
    events: Sequence[IntegrationEvent], request: Request, *, after: int, at: datetime
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
