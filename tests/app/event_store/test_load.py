"""A command costs the same however many events its stream has."""

import tracemalloc
from collections.abc import Awaitable, Callable
from itertools import cycle, islice

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.command_handler import CommandHandler, CommandRequest, PreparedCommand, utc_now
from app.database.pools import Pool
from app.event_store.codec import decode_recorded
from app.event_store.postgres import SNAPSHOT_EVERY, PostgresEventLog
from app.event_store.protocol import Changeset
from app.event_store.snapshots import SNAPSHOT_FORMATS, InvalidSnapshotError, StreamState
from domain.envelope import Actor, Envelope, EventMetadata, RecordedEvent
from domain.integration import (
    IntegrationCreated,
    IntegrationEvent,
    IntegrationToggled,
    ToggleIntegration,
)

Toggled = Callable[[PostgresEventLog, int], Awaitable[None]]
SHORT, LONG, PART = 2, 1_000, 100  # events
PAGE = 3 * SNAPSHOT_EVERY
STREAM = f"int_{SNAPSHOT_EVERY}"
KEPT = "SELECT version FROM integrations.snapshots"


@pytest.fixture
def toggled(write_of: Callable[..., Changeset], created: IntegrationCreated) -> Toggled:
    """Record an integration that was switched off and on, until it has so many events."""

    async def record(log: PostgresEventLog, events: int) -> None:
        toggles = cycle(IntegrationToggled(is_active=active) for active in (False, True))
        every: list[IntegrationEvent] = [created, *islice(toggles, events - 1)]
        past: list[Envelope] = []
        for start in range(0, events, PART):
            part = every[start : start + PART]
            write = write_of(*part, after=past, stream=f"int_{events}")
            await log.append(write)
            past += write.envelopes

    return record


# ----- What it costs -----
async def test_what_a_command_reads_and_holds_does_not_grow_with_its_stream(
    commands: Pool, toggled: Toggled, decoded: list[int]
) -> None:
    log = PostgresEventLog(commands)
    for events in (SHORT, LONG):
        await toggled(log, events)
        await toggle(log, events, is_active=True)  # the first may have to catch up
    del decoded[:]
    short, long = [await peak_of(log, events) for events in (SHORT, LONG)]
    assert len(decoded) < 2 * SNAPSHOT_EVERY
    assert long < 2 * short


async def test_a_stream_that_grows_is_never_read_again_from_its_first_event(
    commands: Pool, toggled: Toggled, decoded: list[int]
) -> None:
    log = PostgresEventLog(commands)
    await toggled(log, 1)
    for number in range(3 * SNAPSHOT_EVERY):
        await toggle(log, 1, is_active=number % 2 == 1)
    assert (
        len(decoded) <= 3 * SNAPSHOT_EVERY * (SNAPSHOT_EVERY + 1) / 2
    )  # of all of them it were three times as many
    assert len(await log.read("demo", "int_1")) == 3 * SNAPSHOT_EVERY + 1


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The positions of all events that the log has read."""
    positions: list[int] = []

    def noted(position: int, envelope: bytes) -> RecordedEvent:
        positions.append(position)
        return decode_recorded(position, envelope)

    monkeypatch.setattr("app.event_store.postgres.decode_recorded", noted)
    return positions


async def peak_of(log: PostgresEventLog, events: int) -> int:
    """Return how many bytes Python holds at most, more than before, while one is toggled."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        await toggle(log, events, is_active=False)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def toggle(log: PostgresEventLog, events: int, *, is_active: bool) -> None:
    """Switch the integration on or off that had so many events."""
    asked = CommandRequest(
        workspace="demo",
        stream=f"int_{events}",
        metadata=EventMetadata(actor=Actor(sub="user-1")),
        command=PreparedCommand(ToggleIntegration(is_active=is_active)),
    )
    await CommandHandler(log, utc_now).handle(asked)


# ----- What it gives -----
@pytest.mark.parametrize(
    "events",
    [
        1,
        SNAPSHOT_EVERY - 1,
        SNAPSHOT_EVERY,
        SNAPSHOT_EVERY + 1,
        PAGE - 1,
        PAGE,
        PAGE + 1,
        2 * PAGE,
        2 * PAGE + SNAPSHOT_EVERY,
    ],
)
async def test_going_on_is_as_if_all_events_had_been_read(
    commands: Pool,
    admin: Connection[TupleRow],
    toggled: Toggled,
    events: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.event_store.postgres.READ_LIMIT", PAGE)
    log, stream = PostgresEventLog(commands), f"int_{events}"
    await toggled(log, events)
    every = await log.read("demo", stream)
    assert [event.version for event in every] == [*range(1, events + 1)]
    for _ in range(2):  # from the first event, and from what that has kept
        assert await log.load("demo", stream) == StreamState().apply(every)
    assert bool(admin.execute(KEPT).fetchall()) is (events >= SNAPSHOT_EVERY)


async def test_where_nothing_was_there_is_nothing(commands: Pool) -> None:
    assert await PostgresEventLog(commands).load("demo", "int_1") == StreamState()


async def test_what_other_code_kept_is_replaced_and_not_looked_at(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresEventLog(commands)
    await toggled(log, SNAPSHOT_EVERY)
    before = await log.load("demo", STREAM)
    admin.execute("UPDATE integrations.snapshots SET shape = 'integration 0', state = 'other'")
    assert await log.load("demo", STREAM) == before
    assert admin.execute("SELECT shape FROM integrations.snapshots").fetchall() == [
        (SNAPSHOT_FORMATS["integration"],)
    ]


async def test_snapshots_can_be_dropped_at_any_time(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresEventLog(commands)
    await toggled(log, SNAPSHOT_EVERY)
    before = await log.load("demo", STREAM)
    admin.execute("TRUNCATE integrations.snapshots")
    assert await log.load("demo", STREAM) == before


async def test_an_older_snapshot_never_takes_the_place_of_a_newer_one(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresEventLog(commands)
    await toggled(log, SNAPSHOT_EVERY)
    admin.execute("INSERT INTO integrations.snapshots VALUES ('demo', %s, 'old', 9, '')", (STREAM,))
    await log.load("demo", STREAM)
    admin.execute("UPDATE integrations.snapshots SET version = version + 1")
    behind = StreamState().apply((await log.read("demo", STREAM))[:-1])
    await log._store_snapshot("demo", STREAM, behind)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] — a race, without one
    assert admin.execute(KEPT).fetchall() == [(SNAPSHOT_EVERY + 1,)]


async def test_a_snapshot_that_cannot_be_kept_holds_nobody_up_for_long(
    commands: Pool, dsn: str, toggled: Toggled
) -> None:
    log = PostgresEventLog(commands)
    await toggled(log, SNAPSHOT_EVERY)
    await log.load("demo", STREAM)
    with psycopg.connect(dsn) as admin:
        admin.execute("UPDATE integrations.snapshots SET shape = 'other'")
        admin.commit()
        admin.execute("SELECT FROM integrations.snapshots FOR UPDATE")
        folded = await log.load("demo", STREAM)  # 2 s, lock_timeout
    assert folded.version == SNAPSHOT_EVERY


async def test_bytes_that_are_no_snapshot_fail_alone_and_say_nothing_of_themselves(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresEventLog(commands)
    await toggled(log, SNAPSHOT_EVERY)
    await log.load("demo", STREAM)
    admin.execute("UPDATE integrations.snapshots SET state = 'canary'")
    with pytest.raises(InvalidSnapshotError) as raised:
        await log.load("demo", STREAM)
    assert "canary" not in repr(raised.value)
