"""Handles commands: load, fold, decide, append; the loser of a race decides again."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from app.database.availability import UnavailableError
from app.event_store.protocol import Changeset, ConcurrencyError, EventLog, StoredResponse
from app.event_store.snapshots import StreamState, empty_stream
from app.keyed_lock import KeyedLock
from app.secrets.sealing import SealedSecret
from domain.aggregates import DomainEvent
from domain.envelope import Envelope, EventMetadata
from domain.errors import NoVersionExpectedError, UnexpectedVersionError
from domain.integration import CreateIntegration, IntegrationDeleted
from domain.message import Command
from projections.history import name_after, previous_values
from projections.registry import PROJECTIONS

MAX_ATTEMPTS = 20
Clock = Callable[[], datetime]
Rows = Mapping[str, Any]
"""The row of each projection, by its name."""


class PreparedCommand(Struct, frozen=True):
    """A command, and the secrets that its credentials name."""

    command: Command
    sealed: Sequence[SealedSecret] = ()


CommandFactory = Callable[[Any], Awaitable[PreparedCommand]]
"""Makes a command from the state of the stream's aggregate."""


class CommandRequest(Struct, frozen=True, kw_only=True):
    """A command, the stream that it is for, and where it came from.

    `command` is the command, or makes it from the state as it is: what is sealed is bound to the
    version that its field has then. `expected_versions` are the versions of the view's row
    of which one must be the present one, None if there may be none, too; none of
    `unexpected_versions` may be it. `render_stored` renders the response that is
    stored under the request's idempotency key; the last one that it returned is the stored one.
    """

    workspace: str
    stream: str
    metadata: EventMetadata
    command: PreparedCommand | CommandFactory
    expected_versions: Collection[int] | None = None
    unexpected_versions: Collection[int] = ()
    render_stored: Callable[[Any], StoredResponse] | None = None


class CommandHandler:
    """Executes commands on an event log; nothing else appends to it."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.turns = KeyedLock()

    async def handle(self, request: CommandRequest) -> Any:  # noqa: ANN401 — the row of the stream's own view
        """Store what the command leads to; return the view's row after it, None if deleted.

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

    async def _attempt(self, request: CommandRequest, attempt: int) -> Any:  # noqa: ANN401 — as above
        changes = await self._decide(request, await self._load(request, attempt))
        if changes.envelopes or changes.response:
            await self.log.append(changes)
        else:
            await self.log.confirm()
        return view_row(changes.rows)

    async def _decide(self, request: CommandRequest, before: StreamState) -> Changeset:
        prepared = await resolve_command(request, before.state)
        events = before.aggregate.decider.decide(prepared.command, before.state)
        require_expected_version(request, before)
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
            return empty_stream(request.stream)  # if the id is taken, the append fails, and we read
        return await self.log.load(request.workspace, request.stream)


async def resolve_command(request: CommandRequest, state: object) -> PreparedCommand:
    """Return the command of *request*, made from *state* if it depends on it."""
    command = request.command
    return command if isinstance(command, PreparedCommand) else await command(state)


def creates_integration(command: PreparedCommand | CommandFactory) -> bool:
    """Return whether *command* makes a new integration."""
    return isinstance(command, PreparedCommand) and isinstance(command.command, CreateIntegration)


def require_expected_version(request: CommandRequest, before: StreamState) -> None:
    """Raise VersionMismatchError if *request* does not expect the version that *before* shows."""
    row, expected = view_row(before.rows), request.expected_versions
    if expected is not None and (row is None or row.version not in expected):
        raise before.aggregate.mismatch if expected else NoVersionExpectedError
    if row is not None and row.version in request.unexpected_versions:
        raise UnexpectedVersionError


def view_row(rows: Rows) -> Any:  # noqa: ANN401 — as above
    """Return what responses show: the row of the first projection."""
    return next(iter(rows.values()))


def fold_events(
    events: Sequence[DomainEvent], request: CommandRequest, before: StreamState, at: datetime
) -> tuple[list[Envelope], Rows]:
    """Return *events* with their place in the stream, and each projection's row after them."""
    envelopes: list[Envelope] = []
    rows: Rows = before.rows
    for version, event in enumerate(events, start=before.version + 1):
        shown = view_row(rows)
        envelope = Envelope(
            workspace=request.workspace,
            stream=request.stream,
            version=version,
            at=at,
            metadata=request.metadata,
            name=name_after(shown, event, request.stream),
            before=previous_values(shown, event),
            event=event,
        )
        envelopes.append(envelope)
        rows = {name: PROJECTIONS[name].evolve(row, envelope) for name, row in rows.items()}
    return envelopes, rows


def utc_now() -> datetime:
    """Return the time, UTC, in whole milliseconds: what events and responses can show."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
