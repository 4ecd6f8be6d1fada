"""Whoever reads the log from a position on misses nothing, or is told that something is missing."""

from collections.abc import Callable

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.event_store.log_range import LogCorruptedError, LogRange, read_range

Log = Connection[TupleRow]
Append = Callable[..., None]


def positions(log: Log, part: LogRange, batch: int = 3) -> list[list[int]]:
    return [[position for position, _ in found] for found in read_range(log, part, batch)]


def test_events_come_in_batches_between_two_positions(admin: Log, append: Append) -> None:
    append(8)
    assert positions(admin, LogRange(to=8)) == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert positions(admin, LogRange(after=2, to=5)) == [[3, 4, 5]]
    assert positions(admin, LogRange(after=8, to=8)) == []


def test_one_workspace_or_integration_alone_can_be_read(admin: Log, append: Append) -> None:
    for _ in range(4):
        append(1, "a", "int_1")
        append(1, "a", "int_2")
        append(1, "b", "int_3")
    assert positions(admin, LogRange(to=12, workspace="b")) == [[3, 6, 9], [12]]
    assert positions(admin, LogRange(to=12, stream="int_2", after=2)) == [[5, 8, 11]]
    assert positions(admin, LogRange(to=12, workspace="b", stream="int_2")) == []


@pytest.mark.parametrize("gone", [1, 2, 4, 5, 7, 8])
def test_a_missing_position_stops_the_reader_after_what_came_before(
    admin: Log, append: Append, gone: int
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
