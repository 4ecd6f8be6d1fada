"""The write path: what is recorded, and what is not."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from app.command_handler import (
    CommandHandler,
    utc_now,
)
from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import (
    DuplicateRequestError,
    StoredResponse,
)
from app.views.integrations import IntegrationViews
from domain.channel_default import ChooseDefault
from domain.envelope import Envelope, PreviousValues, RecordedEvent
from domain.errors import (
    DomainError,
    IntegrationAlreadyExistsError,
    IntegrationNotFoundError,
    VersionMismatchError,
)
from domain.integration import (
    IntegrationCommand,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationToggled,
)
from projections.history import name_after, previous_values
from projections.integration_view import IntegrationRow, evolve, integration_view
from projections.registry import PROJECTIONS
from tests.support.commands import (
    API_KEY,
    CHECK,
    CREATE,
    DELETE,
    OFF,
    ON,
    ORIGIN,
    Contended,
    asks,
    ticking,
)
from tests.support.in_memory_log import InMemoryEventLog


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
    assert (memory.rows, memory.secrets, memory.responses) == ({}, {}, {})


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
