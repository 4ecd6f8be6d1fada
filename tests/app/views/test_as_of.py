"""Integrations as they were, against a plain model that kept every state it ever was in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from app.command_handler import CommandHandler, CommandRequest, PreparedCommand
from app.database.pools import Pool
from app.event_store.codec import encoder
from app.event_store.postgres import PostgresEventLog
from app.event_store.reader import READ_BATCH, LogReader
from app.views.as_of import AsOfFold, AsOfViews
from app.views.history import HistoryFilter, HistoryViews
from domain.envelope import Actor, Envelope, EventMetadata, RecordedEvent
from domain.errors import DomainError
from domain.integration import (
    ChangeIntegration,
    CreateIntegration,
    DeleteIntegration,
    IntegrationCommand,
    IntegrationCreated,
    IntegrationEvent,
    IntegrationRenamed,
    IntegrationToggled,
    ToggleIntegration,
)

Model = Mapping[str, Mapping[str, Any]]
NINE = datetime(2026, 11, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ORIGIN = EventMetadata(actor=Actor(sub="user-1"))
STREAMS = ("int_1", "int_2", "int_3")
NUMBERS = count(1)
# Each command leads to one event or to none.
COMMANDS = st.one_of(
    st.builds(
        CreateIntegration,
        name=st.sampled_from("AB"),
        type=st.just("SENDGRID"),
        channel=st.just("EMAIL"),
        is_active=st.booleans(),
    ),
    st.builds(ChangeIntegration, name=st.sampled_from("ABC")),
    st.builds(ChangeIntegration, sender_email=st.sampled_from(["a@example.org", None])),
    st.builds(ToggleIntegration, is_active=st.booleans()),
    st.just(DeleteIntegration()),
)
CREATE = CreateIntegration(name="A", type="SENDGRID", channel="EMAIL")

FILL = """
INSERT INTO integrations.events (
    position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
)
SELECT
    n, 'w', n, 'int_1', n, 'IntegrationRenamed', 'INTEGRATION_UPDATED', 'user-1', now(), %b
FROM generate_series(1, %s) AS n
"""


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.time = NINE

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def changed(model: Model, stream: str, command: IntegrationCommand, now: datetime) -> Model:
    """Return *model* after *command*, which was not refused."""
    old: dict[str, Any] = dict(model.get(stream, {}))
    new: dict[str, Any]
    match command:
        case CreateIntegration(name=name, is_active=is_active):
            new = {"name": name, "active": is_active, "email": None, "made": now, "version": 0}
        case ChangeIntegration(name=str(name)):
            new = old | {"name": name}
        case ChangeIntegration(sender_email=email):
            new = old | {"email": email}
        case ToggleIntegration(is_active=is_active):
            new = old | {"active": is_active}
        case _:
            return {name: each for name, each in model.items() if name != stream}
    if new == old:
        return model
    return {**model, stream: new | {"changed": now, "version": new["version"] + 1}}


async def lived_through(
    commands: Pool, workspace: str, wishes: list[tuple[str, IntegrationCommand]]
) -> list[Model]:
    """Execute *wishes*; return the model before the first event and after each."""
    clock = Clock()
    executor = CommandHandler(PostgresEventLog(commands), clock)
    states: list[Model] = [{}]
    for stream, wish in wishes:
        request = CommandRequest(
            workspace=workspace, stream=stream, metadata=ORIGIN, command=PreparedCommand(wish)
        )
        try:
            await executor.handle(request)
        except DomainError:
            continue
        state = changed(states[-1], stream, wish, clock.time)
        if state != states[-1]:
            states.append(state)
    return states


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(wishes=st.lists(st.tuples(st.sampled_from(STREAMS), COMMANDS), max_size=14))
async def test_a_position_shows_what_the_events_up_to_it_made(
    commands: Pool, audits: Pool, wishes: list[tuple[str, IntegrationCommand]]
) -> None:
    workspace, log, past = f"w{next(NUMBERS)}", LogReader(audits), AsOfViews(LogReader(audits))
    states = await lived_through(commands, workspace, wishes)
    events = [event async for event in log.read_workspace(workspace)]
    assert len(events) == len(states) - 1
    for event, state in zip(events, states[1:], strict=True):
        assert await shown(past, workspace, event.position) == state
        assert await shown(past, workspace, event.at) == state
    before = events[0].position - 1 if events else 0
    assert await shown(past, workspace, before) == {}
    assert await shown(past, workspace, NINE) == {}
    assert await shown(past, workspace, 10**18 - 1) == states[-1]
    assert await shown(past, workspace, datetime.max.replace(tzinfo=UTC)) == states[-1]


async def shown(past: AsOfViews, workspace: str, moment: int | datetime) -> Model:
    """Return the list at *moment*, as the model has it; get must agree with it."""
    rows = await past.all(workspace, moment)
    assert [(row.created_at, row.id) for row in rows] == sorted(
        (row.created_at, row.id) for row in rows
    )
    by_id = {row.id: row for row in rows}
    for stream in STREAMS:
        assert await past.one(workspace, stream, moment) == by_id.get(stream)
    return {
        row.id: {
            "name": row.name,
            "active": row.is_active,
            "email": row.sender_email,
            "made": row.created_at,
            "changed": row.updated_at,
            "version": row.version,
        }
        for row in rows
    }


async def test_another_workspace_has_another_past(commands: Pool, audits: Pool) -> None:
    await lived_through(commands, "theirs", [("int_1", CREATE)])
    past = AsOfViews(LogReader(audits))
    assert await past.all("ours", 1) == []
    assert await past.one("ours", "int_1", 1) is None
    assert await past.one("theirs", "int_1", 1) is not None


@pytest.mark.parametrize("amount", [READ_BATCH - 1, READ_BATCH, READ_BATCH + 1])
async def test_a_log_of_several_batches_is_read_whole(
    admin: Connection[TupleRow], audits: Pool, amount: int
) -> None:
    renamed = IntegrationRenamed(name="B")
    envelope = Envelope(
        workspace="w",
        stream="int_1",
        version=1,
        at=NINE,
        metadata=ORIGIN,
        name="B",
        before={},
        event=renamed,
    )
    admin.execute(FILL, (encoder.encode(envelope), amount))
    positions = [event.position async for event in LogReader(audits).read_workspace("w")]
    assert positions == [*range(1, amount + 1)]


async def test_a_clock_that_goes_an_hour_back_changes_neither_order_nor_what_a_position_shows(
    commands: Pool, audits: Pool
) -> None:
    times = [NINE, NINE - HOUR, NINE + timedelta(seconds=1)]
    executor = CommandHandler(PostgresEventLog(commands), iter(times).__next__)
    wishes = [CREATE, ChangeIntegration(name="B"), ChangeIntegration(name="C")]
    for wish in wishes:
        asked = CommandRequest(
            workspace="w", stream="int_1", metadata=ORIGIN, command=PreparedCommand(wish)
        )
        await executor.handle(asked)
    log = [event async for event in LogReader(audits).read_workspace("w")]
    positions = [event.position for event in log]
    assert positions == [*range(positions[0], positions[0] + 3)]
    assert [event.at for event in log] == times

    views, past = HistoryViews(audits), AsOfViews(LogReader(audits))
    history = await views.page("w", HistoryFilter(), 0, 10)
    by_then = await views.page("w", HistoryFilter(end=NINE), 0, 10)

    assert [entry.position for entry in history.entries] == positions[::-1]
    assert [entry.position for entry in by_then.entries] == positions[1::-1]
    for moment, name in (*zip(positions, "ABC", strict=True), (NINE, "B"), (times[2], "C")):
        row = await past.one("w", "int_1", moment)
        assert row is not None
        assert row.name == name
    assert await past.one("w", "int_1", NINE - 2 * HOUR) is None


def recorded(position: int, second: int, event: IntegrationEvent) -> RecordedEvent:
    """Return the event at *position* of the log of one integration."""
    return RecordedEvent(
        workspace="w",
        stream="int_1",
        version=position,
        at=NINE + timedelta(seconds=second),
        metadata=ORIGIN,
        name="A",
        before={},
        event=event,
        position=position,
    )


def test_where_a_clock_went_wrong_the_order_is_that_of_the_log() -> None:
    rows = AsOfFold(NINE + timedelta(seconds=3))
    created = IntegrationCreated(name="A", type="SENDGRID", channel="EMAIL", is_active=True)
    rows.apply(recorded(1, 1, created))
    rows.apply(recorded(2, 3600, IntegrationRenamed(name="B")))
    rows.apply(recorded(3, 2, IntegrationToggled(is_active=False)))
    rows.apply(recorded(4, 3601, IntegrationRenamed(name="C")))
    assert [(row.name, row.is_active, row.version) for row in rows] == [("B", False, 3)]
