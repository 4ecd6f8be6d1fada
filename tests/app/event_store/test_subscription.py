"""Whoever reads the log from a position on misses nothing, or is told that something is missing."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import islice

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.event_store.subscription import (
    LogCorruptedError,
    LogRange,
    head_position,
    read_range,
    subscribe,
)

Log = Connection[TupleRow]
APPEND = """
SELECT integrations.append(jsonb_build_array(jsonb_build_object(
    'workspace', %s::text, 'stream', %s::text, 'version', %s, 'type', 'T', 'envelope', '{}'
)))
"""


@pytest.fixture
def append(admin: Log) -> Callable[..., None]:
    """Return what appends events, whatever they say: `append(5, workspace=…, stream=…)`."""

    def append(amount: int, workspace: str = "demo", stream: str = "int_1") -> None:
        for _ in range(amount):
            version = head_position(admin) + 1
            admin.execute(APPEND, (workspace, stream, version))

    return append


def positions(log: Log, part: LogRange, batch: int = 3) -> list[list[int]]:
    return [[position for position, _ in found] for found in read_range(log, part, batch)]


def test_events_come_in_batches_between_two_positions(
    admin: Log, append: Callable[..., None]
) -> None:
    append(8)
    assert positions(admin, LogRange(to=8)) == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert positions(admin, LogRange(after=2, to=5)) == [[3, 4, 5]]
    assert positions(admin, LogRange(after=8, to=8)) == []


def test_one_workspace_or_integration_alone_can_be_read(
    admin: Log, append: Callable[..., None]
) -> None:
    for _ in range(4):
        append(1, "a", "int_1")
        append(1, "a", "int_2")
        append(1, "b", "int_3")
    assert positions(admin, LogRange(to=12, workspace="b")) == [[3, 6, 9], [12]]
    assert positions(admin, LogRange(to=12, stream="int_2", after=2)) == [[5, 8, 11]]
    assert positions(admin, LogRange(to=12, workspace="b", stream="int_2")) == []


@pytest.mark.parametrize("gone", [1, 2, 4, 5, 7, 8])
def test_a_missing_position_stops_the_reader_after_what_came_before(
    admin: Log, append: Callable[..., None], gone: int
) -> None:
    append(8)
    admin.execute("SET session_replication_role = replica")
    admin.execute("DELETE FROM integrations.events WHERE position = %s", (gone,))
    seen: list[int] = []

    with pytest.raises(LogCorruptedError, match=f"position {gone} is missing"):
        seen.extend(
            position for batch in read_range(admin, LogRange(to=8), 3) for position, _ in batch
        )

    assert seen == [*range(1, gone)]


def test_following_goes_on_with_what_is_new_over_lost_connections(
    dsn: str, append: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    append(4)
    opened: list[Log] = []

    @contextmanager
    def connect() -> Generator[Log]:
        if len(opened) % 2:
            opened.append(opened[0])
            raise psycopg.OperationalError
        with psycopg.connect(dsn, autocommit=True) as connection:
            opened.append(connection)
            yield connection

    seen: list[int] = []
    events = (p for batch in subscribe(connect, LogRange(to=0), 0.01) for p, _ in batch)
    for more in range(3):
        seen.extend(islice(events, 4 + more))
        opened[-1].close()
        append(5 + more)

    assert seen == [*range(1, 16)]
    assert caplog.messages.count("The database is away; waiting for it.") == 2


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (psycopg.OperationalError("the server is away"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.InternalError("got no result from the query"), True),
        (psycopg.errors.DataCorrupted(), False),
        (psycopg.errors.InsufficientPrivilege(), False),
    ],
)
def test_only_a_broken_connection_is_waited_for(
    append: Callable[..., None], admin: Log, error: psycopg.Error, *, lost: bool
) -> None:
    append(1)
    failing = [error]

    @contextmanager
    def connect() -> Generator[Log]:
        if failing:
            raise failing.pop()
        yield admin

    following = subscribe(connect, LogRange(to=0), pause=0.01)
    if lost:
        assert [position for position, _ in next(following)] == [1]
    else:
        with pytest.raises(type(error)):
            next(following)


def test_following_one_workspace_skips_the_others_and_misses_nothing(
    dsn: str, append: Callable[..., None]
) -> None:
    append(3, "b", "int_3")
    following = subscribe(
        lambda: psycopg.connect(dsn, autocommit=True), LogRange(to=0, workspace="a"), 0.01
    )
    append(1, "a", "int_1")
    assert [p for p, _ in next(following)] == [4]
    append(2, "b", "int_3")
    append(2, "a", "int_1")
    assert [p for p, _ in next(following)] == [7, 8]


def test_a_log_that_has_become_shorter_stops_the_follower(
    admin: Log, dsn: str, append: Callable[..., None]
) -> None:
    append(3)
    following = subscribe(lambda: psycopg.connect(dsn, autocommit=True), LogRange(to=0), 0.01)
    assert len(next(following)) == 3
    admin.execute("SET session_replication_role = replica")
    admin.execute("DELETE FROM integrations.events WHERE position > 1")

    with pytest.raises(LogCorruptedError, match="ends at 1, and 3 was read before"):
        next(following)
