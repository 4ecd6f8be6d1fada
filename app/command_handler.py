"""Handles commands: load, fold, decide, append; the loser of a race decides again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

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
from projections.history import name_after, previous_values
from projections.integration_view import IntegrationRow, integration_view
from projections.registry import PROJECTIONS

MAX_ATTEMPTS = 20
Clock = Callable[[], datetime]
Rows = Mapping[str, Any]
"""The row of each projection, by its name."""


class PreparedCommand(Struct, frozen=True):
    """A command, and the secrets that its credentials name."""

    command: IntegrationCommand
    sealed: Sequence[SealedSecret] = ()


CommandFactory = Callable[[Integration], Awaitable[PreparedCommand]]


class CommandRequest(Struct, frozen=True, kw_only=True):
    """A command, the stream that it is for, and where it came from.

    `command` is the command, or makes it from the integration as it is: what is sealed is bound
    to the version that its field has then. `expected_versions` are the versions of the view's row
    of which one must be the present one, None for any. `render_stored` renders the response that is
    stored under the request's idempotency key; the last one that it returned is the stored one.
    """

    workspace: str
    stream: str
    metadata: EventMetadata
    command: PreparedCommand | CommandFactory
    expected_versions: frozenset[int] | None = None
    render_stored: Callable[[IntegrationRow | None], StoredResponse] | None = None


class CommandHandler:
    """Executes commands on an event log; nothing else appends to it."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.turns = KeyedLock()

    async def handle(self, request: CommandRequest) -> IntegrationRow | None:
        """Store what the command leads to; return the integration after it, None if deleted.

        Raises:
            DomainError: the command was refused; nothing is stored.
            DuplicateRequestError, RequestInProgressError: its idempotency key was used; nothing
                is stored.
            UnavailableError: the database is away or busy, or the stream is too contended;
                whether anything was stored is unknown.
        """
        try:
            return await self._attempt(request, 0)
        except ConcurrencyError:
            pass
        # Losers of one stream run one after the other: racing on, the slowest might never win.
        async with self.turns.hold((request.workspace, request.stream)):
            for attempt in range(1, MAX_ATTEMPTS):
                with suppress(ConcurrencyError):
                    return await self._attempt(request, attempt)
        raise UnavailableError

    async def _attempt(self, request: CommandRequest, attempt: int) -> IntegrationRow | None:
        changes = await self._decide(request, await self._load(request, attempt))
        if changes.envelopes or changes.response:
            await self.log.append(changes)
        else:
            await self.log.confirm()
        return view_row(changes.rows)

    async def _decide(self, request: CommandRequest, before: StreamState) -> Changeset:
        prepared = await resolve_command(request, before.integration)
        events = decider.decide(prepared.command, before.integration)
        require_expected_version(request, view_row(before.rows))
        envelopes, rows = fold_events(events, request, before, self.clock())
        return Changeset(
            workspace=request.workspace,
            stream=request.stream,
            envelopes=envelopes,
            before=before.rows,
            rows=rows,
            sealed=prepared.sealed,
            deletes_secrets=any(isinstance(event, IntegrationDeleted) for event in events),
            response=request.render_stored and request.render_stored(view_row(rows)),
        )

    async def _load(self, request: CommandRequest, attempt: int) -> StreamState:
        if attempt == 0 and creates_integration(request.command):
            return StreamState()  # a new id: if it is taken, the append fails, and we read it
        return await self.log.load(request.workspace, request.stream)


async def resolve_command(request: CommandRequest, integration: Integration) -> PreparedCommand:
    """Return the command of *request*, made from *integration* if it depends on it."""
    command = request.command
    return command if isinstance(command, PreparedCommand) else await command(integration)


def creates_integration(command: PreparedCommand | CommandFactory) -> bool:
    """Return whether *command* makes a new integration."""
    return isinstance(command, PreparedCommand) and isinstance(command.command, CreateIntegration)


def require_expected_version(request: CommandRequest, row: IntegrationRow | None) -> None:
    """Raise VersionMismatchError if the request does not expect the version that *row* shows."""
    expected = request.expected_versions
    if expected is not None and (row is None or row.version not in expected):
        raise VersionMismatchError


def view_row(rows: Rows) -> IntegrationRow | None:
    """Return the integration as the view shows it."""
    return rows[integration_view.name]


def fold_events(
    events: Sequence[IntegrationEvent], request: CommandRequest, before: StreamState, at: datetime
) -> tuple[list[Envelope], Rows]:
    """Return *events* with their place in the stream, and each projection's row after them."""
    envelopes: list[Envelope] = []
    rows: Rows = before.rows
    for version, event in enumerate(events, start=before.version + 1):
        row = view_row(rows)
        envelope = Envelope(
            workspace=request.workspace,
            stream=request.stream,
            version=version,
            at=at,
            metadata=request.metadata,
            name=name_after(row, event),
            before=previous_values(row, event),
            event=event,
        )
        envelopes.append(envelope)
        rows = {name: p.evolve(rows[name], envelope) for name, p in PROJECTIONS.items()}
    return envelopes, rows


def utc_now() -> datetime:
    """Return the time, UTC, in whole milliseconds: what events and responses can show."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
