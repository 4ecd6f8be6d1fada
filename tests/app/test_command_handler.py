"""The write path: what is recorded, what is not, and how the loser of a race decides again."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.command_handler import (
    MAX_ATTEMPTS,
    CommandHandler,
    CommandRequest,
    PreparedCommand,
    utc_now,
)
from app.database.availability import UnavailableError
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import (
    Changeset,
    ConcurrencyError,
    DuplicateRequestError,
    EventLog,
    StoredResponse,
)
from app.event_store.snapshots import StreamState
from app.secrets.sealing import SealedSecret
from app.views.integrations import IntegrationViews
from domain.channel_default import ChooseDefault
from domain.envelope import Actor, Envelope, EventMetadata, PreviousValues, RecordedEvent
from domain.errors import (
    DomainError,
    IntegrationAlreadyExistsError,
    IntegrationNotFoundError,
    VersionMismatchError,
)
from domain.integration import (
    CreateIntegration,
    DeleteIntegration,
    Integration,
    IntegrationCommand,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationToggled,
    RecordCredentialsCheck,
    ReplaceCredentials,
    ToggleIntegration,
)
from domain.message import Command
from projections.history import name_after, previous_values
from projections.integration_view import IntegrationRow, evolve, integration_view
from projections.registry import PROJECTIONS
from tests.support.in_memory_log import InMemoryEventLog

Pool = AsyncConnectionPool[AsyncConnection]
ORIGIN = EventMetadata(
    actor=Actor(sub="user-1", name="Zoë"), client_address="::1", request_id="req-1"
)
CREATE = CreateIntegration(name="Mail", type="SENDGRID", channel="EMAIL")
OFF, ON = ToggleIntegration(is_active=False), ToggleIntegration(is_active=True)
DELETE = DeleteIntegration()
CHECK = RecordCredentialsCheck(outcome="ok", detail="It works", latency_ms=12)
API_KEY = SealedSecret(
    workspace="demo",
    stream="int_1",
    field="apiKey",
    version=1,
    kek="kek-1-00c0ffee",
    wrapped_key=b"wrapped",
    nonce=b"twelve bytes",
    ciphertext=b"ciphertext",
)


def asks(command: Command, *sealed: SealedSecret, stream: str = "int_1") -> CommandRequest:
    """Return the request for *command*."""
    return CommandRequest(
        workspace="demo", stream=stream, metadata=ORIGIN, command=PreparedCommand(command, sealed)
    )


def ticking() -> Callable[[], datetime]:
    """Return a clock that goes on by a second with every look."""
    seconds = count()
    return lambda: datetime(2026, 11, 5, 9, 0, next(seconds), tzinfo=UTC)


@pytest.fixture
def memory() -> InMemoryEventLog:
    return InMemoryEventLog()


@pytest.fixture
def executor(memory: InMemoryEventLog) -> CommandHandler:
    """Executes on the log in memory; what PostgreSQL adds is tested below."""
    return CommandHandler(memory, ticking())


# ----- What is recorded -----
async def test_what_was_decided_is_recorded_with_its_place_time_and_origin(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    await executor.handle(asks(CREATE))
    await executor.handle(asks(OFF))
    first, second = await memory.read("demo", "int_1")
    assert first == RecordedEvent(
        workspace="demo",
        stream="int_1",
        version=1,
        position=1,
        at=datetime(2026, 11, 5, 9, 0, 0, tzinfo=UTC),
        metadata=ORIGIN,
        name="Mail",
        before=None,
        event=IntegrationCreated(name="Mail", type="SENDGRID", channel="EMAIL", is_active=True),
    )
    assert (second.version, second.position, second.event) == (
        2,
        2,
        IntegrationToggled(is_active=False),
    )
    assert second.at == datetime(2026, 11, 5, 9, 0, 1, tzinfo=UTC)


async def test_the_answer_is_the_integration_as_it_is_then(executor: CommandHandler) -> None:
    created = await executor.handle(asks(CREATE))
    assert created is not None
    off = await executor.handle(asks(OFF))
    assert off is not None
    assert (created.is_active, off.is_active, off.version) == (True, False, 2)
    assert await executor.handle(asks(OFF)) == off
    assert await executor.handle(asks(DELETE)) is None


async def test_what_already_is_so_appends_nothing(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    await executor.handle(asks(CREATE))
    await executor.handle(asks(ON))
    assert len(await memory.read("demo", "int_1")) == 1
    log = Contended()
    await CommandHandler(log, ticking()).handle(asks(ON))
    assert log.appends == 0


async def test_an_unchanged_state_is_reported_only_after_it_is_confirmed() -> None:
    log = Unconfirmed()
    await CommandHandler(log, ticking()).handle(asks(CREATE))
    with pytest.raises(UnavailableError):
        await CommandHandler(log, ticking()).handle(asks(ON))


class Unconfirmed(InMemoryEventLog):
    """A log whose last events may yet be lost."""

    async def confirm(self) -> None:
        raise UnavailableError


async def test_every_projection_and_journal_is_written(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    await executor.handle(asks(CREATE))
    await executor.handle(asks(ChooseDefault(integration_id="int_1"), stream="def_EMAIL"))
    assert {projection for projection, _, _ in memory.rows} == set(PROJECTIONS)


# ----- What is refused -----
@pytest.mark.parametrize("command", [OFF, DELETE])
async def test_of_a_refused_command_nothing_is_recorded(
    executor: CommandHandler, memory: InMemoryEventLog, command: IntegrationCommand
) -> None:
    with pytest.raises(IntegrationNotFoundError):
        await executor.handle(asks(command, API_KEY))
    assert memory.recorder.max_notification_id() is None
    assert (memory.rows, memory.secrets, memory.answers) == ({}, {}, {})


async def test_another_version_than_expected_is_refused(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    await executor.handle(asks(CREATE))
    with pytest.raises(VersionMismatchError):
        await executor.handle(replace(asks(OFF), expected_versions=frozenset({2, 3})))
    await executor.handle(replace(asks(OFF), expected_versions=frozenset({1, 7})))
    assert len(await memory.read("demo", "int_1")) == 2


async def test_a_check_leaves_the_version_that_a_request_expects(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    await executor.handle(asks(CREATE))
    checked = await executor.handle(asks(CHECK))
    assert checked is not None
    assert checked.version == 1
    with pytest.raises(VersionMismatchError):
        await executor.handle(replace(asks(OFF), expected_versions=frozenset({2})))
    changed = await executor.handle(replace(asks(OFF), expected_versions=frozenset({1})))
    assert changed is not None
    assert changed.version == len(await memory.read("demo", "int_1")) == 3


async def test_an_id_that_is_taken_is_refused(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    await executor.handle(asks(CREATE, API_KEY))
    with pytest.raises(IntegrationAlreadyExistsError):
        await executor.handle(asks(CREATE))
    assert len(await memory.read("demo", "int_1")) == 1


async def test_a_command_folds_each_row_once(
    executor: CommandHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[int] = []

    def counting(row: IntegrationRow | None, envelope: Envelope) -> IntegrationRow | None:
        folded.append(envelope.version)
        return evolve(row, envelope)

    counted = replace(integration_view, evolve=counting)
    monkeypatch.setitem(PROJECTIONS, integration_view.name, counted)
    await executor.handle(asks(CREATE))
    assert folded == [1]


# ----- Idempotency keys -----
async def test_a_response_is_stored_even_if_nothing_changes(
    executor: CommandHandler, memory: InMemoryEventLog
) -> None:
    def answer(row: IntegrationRow | None) -> StoredResponse:
        return StoredResponse("key-1", b"print", 200, {}, str(row and row.version).encode())

    await executor.handle(asks(CREATE))
    await executor.handle(replace(asks(ON), render_stored=answer))
    kept = await memory.stored_response("demo", "key-1")
    assert kept is not None
    assert kept.body == b"1"
    with pytest.raises(DuplicateRequestError):
        await executor.handle(replace(asks(OFF), render_stored=answer))
    assert len(await memory.read("demo", "int_1")) == 1


# ----- Races -----
class Racing:
    """A log in which the first *runners* readers wait for each other, so that all but one lose."""

    def __init__(self, log: EventLog, runners: int) -> None:
        self.log = log
        self.barrier = asyncio.Barrier(runners)
        self.left = runners
        self.lost = 0

    async def read(self, workspace: str, stream: str) -> list[RecordedEvent]:
        return await self.log.read(workspace, stream)

    async def load(self, workspace: str, stream: str) -> StreamState:
        past = await self.log.load(workspace, stream)
        if self.left:
            self.left -= 1
            await self.barrier.wait()
        return past

    async def append(self, write: Changeset) -> list[int]:
        try:
            return await self.log.append(write)
        except ConcurrencyError:
            self.lost += 1
            raise

    async def stored_response(self, workspace: str, key: str) -> StoredResponse | None:
        return await self.log.stored_response(workspace, key)

    async def confirm(self) -> None:
        await self.log.confirm()


@pytest.fixture(params=["memory", "postgres"])
def any_log(request: pytest.FixtureRequest) -> EventLog:
    """Each event log in turn."""
    if request.param == "memory":
        return InMemoryEventLog()
    pool: Pool = request.getfixturevalue("commands")
    return PostgresEventLog(pool)


async def test_the_loser_of_two_toggles_finds_that_it_already_is_so(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 2)
    executor = CommandHandler(racing, ticking())
    first, second = await asyncio.gather(*[executor.handle(asks(OFF)) for _ in range(2)])
    assert first == second
    assert racing.lost == 1
    history = await any_log.read("demo", "int_1")
    assert [event.version for event in history] == [1, 2]


async def test_the_loser_of_two_deletions_finds_nothing_to_delete(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 2)
    executor = CommandHandler(racing, ticking())
    results = await asyncio.gather(
        *[executor.handle(asks(DELETE)) for _ in range(2)], return_exceptions=True
    )
    assert sorted(map(type, results), key=str) == sorted(
        [type(None), IntegrationNotFoundError], key=str
    )
    assert racing.lost == 1
    assert len(await any_log.read("demo", "int_1")) == 2


async def test_eight_at_once_all_get_their_turn(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 8)
    executor = CommandHandler(racing, ticking())
    asked = [asks(OFF if number % 2 else ON) for number in range(8)]
    rows = await asyncio.gather(*map(executor.handle, asked))
    wanted = [number % 2 == 0 for number in range(8)]
    assert [row and row.is_active for row in rows] == wanted
    history = await any_log.read("demo", "int_1")
    assert [event.version for event in history] == list(range(1, len(history) + 1))
    toggles = [e.event.is_active for e in history if isinstance(e.event, IntegrationToggled)]
    assert toggles == [number % 2 == 1 for number in range(len(toggles))]


async def test_a_request_expecting_a_version_loses_a_race_for_good(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    executor = CommandHandler(Racing(any_log, 2), ticking())
    expecting = replace(asks(OFF), expected_versions=frozenset({1}))
    results = await asyncio.gather(
        *[executor.handle(expecting) for _ in range(2)], return_exceptions=True
    )
    assert sum(isinstance(result, VersionMismatchError) for result in results) == 1


async def test_a_request_expecting_a_version_gets_its_turn_after_a_check(
    any_log: EventLog,
) -> None:
    """The check is appended between load and append; nothing shown has changed."""
    executor = CommandHandler(any_log, ticking())
    await executor.handle(asks(CREATE))
    checks = iter([asks(CHECK)])

    async def overtaken(_: Integration) -> PreparedCommand:
        for check in checks:
            await executor.handle(check)
        return PreparedCommand(OFF)

    expecting = replace(asks(OFF), command=overtaken, expected_versions=frozenset({1}))
    row = await executor.handle(expecting)
    assert row is not None
    assert (row.is_active, row.version) == (False, 3)


async def test_secrets_are_prepared_again_for_the_version_that_the_loser_finds(
    any_log: EventLog,
) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 2)
    seen: list[int] = []

    async def rotated(integration: Integration) -> PreparedCommand:
        version = max([c.version for c in integration.credentials], default=0) + 1
        seen.append(version)
        sealed = replace(API_KEY, version=version)
        return PreparedCommand(ReplaceCredentials(credentials=(sealed.credential,)), [sealed])

    request = CommandRequest(workspace="demo", stream="int_1", metadata=ORIGIN, command=rotated)
    await asyncio.gather(*[CommandHandler(racing, ticking()).handle(request) for _ in range(2)])
    assert seen == [1, 1, 2]


class Contended:
    """A log in which somebody else is always faster."""

    def __init__(self) -> None:
        self.appends = 0

    async def read(self, workspace: str, stream: str) -> list[RecordedEvent]:
        raise NotImplementedError

    async def load(self, workspace: str, stream: str) -> StreamState:
        memory = InMemoryEventLog()
        await CommandHandler(memory, ticking()).handle(asks(CREATE))
        return await memory.load(workspace, stream)

    async def append(self, write: Changeset) -> list[int]:
        self.appends += 1
        assert write.envelopes
        raise ConcurrencyError

    async def stored_response(self, workspace: str, key: str) -> StoredResponse | None:
        raise NotImplementedError

    async def confirm(self) -> None:
        """All that is there is safe."""


async def test_a_stream_that_is_too_contended_is_unavailable() -> None:
    log = Contended()
    with pytest.raises(UnavailableError):
        await CommandHandler(log, ticking()).handle(asks(OFF))
    assert log.appends == MAX_ATTEMPTS


# ----- With PostgreSQL -----
async def test_the_row_is_there_as_soon_as_the_command_is_executed(
    commands: Pool, queries: Pool
) -> None:
    executor, views = CommandHandler(PostgresEventLog(commands), utc_now), IntegrationViews(queries)
    for command in (CREATE, OFF, ON, DELETE):
        row = await executor.handle(asks(command))
        assert await views.one("demo", "int_1") == row


async def test_secrets_come_and_go_with_their_integration(
    commands: Pool, admin: Connection[TupleRow]
) -> None:
    executor = CommandHandler(PostgresEventLog(commands), utc_now)
    kept = "SELECT field, ciphertext FROM integrations.secret_store"
    await executor.handle(asks(CREATE, API_KEY))
    assert admin.execute(kept).fetchall() == [("apiKey", b"ciphertext")]
    await executor.handle(asks(OFF))
    assert len(admin.execute(kept).fetchall()) == 1
    await executor.handle(asks(DELETE))
    assert admin.execute(kept).fetchall() == []


async def test_a_view_that_cannot_be_written_fails_the_command_and_nothing_is_in_the_log(
    commands: Pool, admin: Connection[TupleRow]
) -> None:
    executor = CommandHandler(PostgresEventLog(commands), utc_now)
    await executor.handle(asks(CREATE, API_KEY))
    admin.execute("ALTER TABLE integrations.integration_view ADD CHECK (is_active)")
    with pytest.raises(psycopg.errors.CheckViolation):
        await executor.handle(asks(OFF))
    history = await executor.log.read("demo", "int_1")
    assert [event.version for event in history] == [1]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_after_any_commands_the_rows_are_the_folds_of_the_log(
    data: st.DataObject, any_of: Callable[..., st.SearchStrategy[IntegrationCommand]]
) -> None:
    asked = data.draw(st.lists(any_of(IntegrationCommand), max_size=8))
    asyncio.run(execute_all([CREATE, *asked]))


async def execute_all(asked: list[IntegrationCommand]) -> None:
    memory = InMemoryEventLog()
    executor = CommandHandler(memory, ticking())
    for command in asked:
        before = await memory.read("demo", "int_1")
        try:
            row = await executor.handle(asks(command))
        except DomainError:
            assert await memory.read("demo", "int_1") == before
            continue
        history = await memory.read("demo", "int_1")
        for name, projection in PROJECTIONS.items():
            assert memory.rows.get((name, "demo", "int_1")) == projection.fold(history)
        assert row == PROJECTIONS["integration_view"].fold(history)
        assert [(each.name, each.before) for each in history] == shown_before(history)
        assert isinstance(history[-1].event, IntegrationDeleted) == (row is None)


def shown_before(history: list[RecordedEvent]) -> list[tuple[str, PreviousValues | None]]:
    """Return the name after each event, and what the view showed before of what it changes."""
    rows = [integration_view.fold(history[:number]) for number in range(len(history))]
    return [
        (name_after(row, each.event), previous_values(row, each.event))
        for row, each in zip(rows, history, strict=True)
    ]


def test_the_clock_returns_utc_in_whole_milliseconds() -> None:
    now = utc_now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs((datetime.now(UTC) - now).total_seconds()) < 5
