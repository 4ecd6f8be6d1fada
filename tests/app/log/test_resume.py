"""A command costs the same however many events its stream has."""

import tracemalloc
from collections.abc import Awaitable, Callable
from itertools import cycle, islice

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.execute import Executor, Prepared, Request, utc_now
from app.log.envelopes import recorded_from
from app.log.event_log import Write
from app.log.folded import SHAPE, Folded, NoSnapshotError
from app.log.postgres import MANY, PostgresLog
from domain.integration import (
    IntegrationCreated,
    IntegrationEvent,
    IntegrationToggled,
    ToggleIntegration,
)
from domain.recorded import Actor, Envelope, Origin, Recorded

Pool = AsyncConnectionPool[AsyncConnection]
Toggled = Callable[[PostgresLog, int], Awaitable[None]]
SHORT, LONG, PART = 2, 1_000, 100  # events
PAGE = 3 * MANY
STREAM = f"int_{MANY}"
KEPT = "SELECT version FROM integrations.snapshots"


@pytest.fixture
def toggled(write_of: Callable[..., Write], created: IntegrationCreated) -> Toggled:
    """Record an integration that was switched off and on, until it has so many events."""

    async def record(log: PostgresLog, events: int) -> None:
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
    log = PostgresLog(commands)
    for events in (SHORT, LONG):
        await toggled(log, events)
        await toggle(log, events, is_active=True)  # the first may have to catch up
    del decoded[:]
    short, long = [await peak_of(log, events) for events in (SHORT, LONG)]
    assert len(decoded) < 2 * MANY
    assert long < 2 * short


async def test_a_stream_that_grows_is_never_read_again_from_its_first_event(
    commands: Pool, toggled: Toggled, decoded: list[int]
) -> None:
    log = PostgresLog(commands)
    await toggled(log, 1)
    for number in range(3 * MANY):
        await toggle(log, 1, is_active=number % 2 == 1)
    assert len(decoded) <= 3 * MANY * (MANY + 1) / 2  # of all of them it were three times as many
    assert len(await log.read("demo", "int_1")) == 3 * MANY + 1


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The positions of all events that the log has read."""
    positions: list[int] = []

    def noted(position: int, envelope: bytes) -> Recorded:
        positions.append(position)
        return recorded_from(position, envelope)

    monkeypatch.setattr("app.log.postgres.recorded_from", noted)
    return positions


async def peak_of(log: PostgresLog, events: int) -> int:
    """Return how many bytes Python holds at most, more than before, while one is toggled."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        await toggle(log, events, is_active=False)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def toggle(log: PostgresLog, events: int, *, is_active: bool) -> None:
    """Switch the integration on or off that had so many events."""
    asked = Request(
        workspace="demo",
        stream=f"int_{events}",
        origin=Origin(actor=Actor(sub="user-1")),
        ask=Prepared(ToggleIntegration(is_active=is_active)),
    )
    await Executor(log, utc_now).execute(asked)


# ----- What it gives -----
@pytest.mark.parametrize(
    "events", [1, MANY - 1, MANY, MANY + 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + MANY]
)
async def test_going_on_is_as_if_all_events_had_been_read(
    commands: Pool,
    admin: Connection[TupleRow],
    toggled: Toggled,
    events: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.log.postgres.MOST", PAGE)
    log, stream = PostgresLog(commands), f"int_{events}"
    await toggled(log, events)
    every = await log.read("demo", stream)
    assert [event.version for event in every] == [*range(1, events + 1)]
    for _ in range(2):  # from the first event, and from what that has kept
        assert await log.resume("demo", stream) == Folded().after(every)
    assert bool(admin.execute(KEPT).fetchall()) is (events >= MANY)


async def test_where_nothing_was_there_is_nothing(commands: Pool) -> None:
    assert await PostgresLog(commands).resume("demo", "int_1") == Folded()


async def test_what_other_code_kept_is_replaced_and_not_looked_at(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresLog(commands)
    await toggled(log, MANY)
    before = await log.resume("demo", STREAM)
    admin.execute("UPDATE integrations.snapshots SET shape = 'integration 0', state = 'other'")
    assert await log.resume("demo", STREAM) == before
    assert admin.execute("SELECT shape FROM integrations.snapshots").fetchall() == [(SHAPE,)]


async def test_snapshots_can_be_dropped_at_any_time(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresLog(commands)
    await toggled(log, MANY)
    before = await log.resume("demo", STREAM)
    admin.execute("TRUNCATE integrations.snapshots")
    assert await log.resume("demo", STREAM) == before


async def test_an_older_snapshot_never_takes_the_place_of_a_newer_one(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresLog(commands)
    await toggled(log, MANY)
    admin.execute("INSERT INTO integrations.snapshots VALUES ('demo', %s, 'old', 9, '')", (STREAM,))
    await log.resume("demo", STREAM)
    admin.execute("UPDATE integrations.snapshots SET version = version + 1")
    behind = Folded().after((await log.read("demo", STREAM))[:-1])
    await log._keep("demo", STREAM, behind)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] — a race, without one
    assert admin.execute(KEPT).fetchall() == [(MANY + 1,)]


async def test_a_snapshot_that_cannot_be_kept_holds_nobody_up_for_long(
    commands: Pool, dsn: str, toggled: Toggled
) -> None:
    log = PostgresLog(commands)
    await toggled(log, MANY)
    await log.resume("demo", STREAM)
    with psycopg.connect(dsn) as admin:
        admin.execute("UPDATE integrations.snapshots SET shape = 'other'")
        admin.commit()
        admin.execute("SELECT FROM integrations.snapshots FOR UPDATE")
        folded = await log.resume("demo", STREAM)  # 2 s, lock_timeout
    assert folded.version == MANY


async def test_bytes_that_are_no_snapshot_fail_alone_and_say_nothing_of_themselves(
    commands: Pool, admin: Connection[TupleRow], toggled: Toggled
) -> None:
    log = PostgresLog(commands)
    await toggled(log, MANY)
    await log.resume("demo", STREAM)
    admin.execute("UPDATE integrations.snapshots SET state = 'canary'")
    with pytest.raises(NoSnapshotError) as raised:
        await log.resume("demo", STREAM)
    assert "canary" not in repr(raised.value)
