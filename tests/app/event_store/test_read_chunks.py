"""What comes in stretches is what comes event by event."""

import json
from itertools import product

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.event_store.log_range import LogCorruptedError, LogRange, read_range
from app.event_store.reader import chunk_from_events, read_chunks

Log = Connection[TupleRow]
EVENTS = 520  # more than two stretches
APPEND = """
INSERT INTO integrations.events (
    position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
)
SELECT
    n, workspace, row_number() OVER (PARTITION BY workspace ORDER BY n), 'int_' || n %% 2, n, 'T',
    'A', 'user-1', now(), convert_to(format('{"n": %%s, "more": "],[\\n"}', n), 'UTF8')
FROM generate_series(1, %s) AS n,
    LATERAL (SELECT CASE WHEN n %% 3 = 0 THEN 'a' ELSE 'b' END) AS place (workspace)
"""


@pytest.fixture
def log(admin: Log) -> Log:
    """A log with EVENTS events of two workspaces."""
    admin.execute(APPEND, (EVENTS,))
    return admin


def in_stretches(log: Log, part: LogRange, batch: int) -> list[tuple[int, object]]:
    """Return each position of *part* with what is stored there."""
    return [
        pair
        for stretches in read_chunks(log, part, batch)
        for stretch in stretches
        for pair in zip(stretch.positions, json.loads(stretch.envelopes), strict=True)
    ]


def one_by_one(log: Log, part: LogRange) -> list[tuple[int, object]]:
    """Return the same by the plain reader."""
    return [
        (position, json.loads(stored))
        for found in read_range(log, part)
        for position, stored in found
    ]


@pytest.mark.parametrize("batch", [7, 250, 1_000])
def test_any_part_of_the_log_is_the_same_in_stretches_as_one_by_one(log: Log, batch: int) -> None:
    ends = (0, 1, 249, 250, 251, 500, EVENTS)
    for after, to, workspace, stream in product(ends, ends, (None, "a"), (None, "int_1", "x")):
        part = LogRange(after=after, to=to, workspace=workspace, stream=stream)
        assert in_stretches(log, part, batch) == one_by_one(log, part)


@pytest.mark.parametrize("gone", [1, 2, 250, 251, 300, EVENTS - 1, EVENTS])
@pytest.mark.parametrize("batch", [100, 1_000])
def test_a_missing_position_stops_the_reader_after_what_came_before(
    log: Log, gone: int, batch: int
) -> None:
    log.execute("SET session_replication_role = replica")
    log.execute("DELETE FROM integrations.events WHERE position = %s", (gone,))
    seen: list[int] = []

    with pytest.raises(LogCorruptedError, match=f"position {gone} is missing"):
        seen.extend(
            position
            for stretches in read_chunks(log, LogRange(to=EVENTS), batch)
            for stretch in stretches
            for position in stretch.positions
        )

    assert seen == [*range(1, gone)]


def test_events_that_were_read_one_by_one_make_a_stretch_too() -> None:
    stretch = chunk_from_events([(3, b'{"a":1}'), (5, b'{"b":2}')])

    assert [*stretch.positions] == [3, 5]
    assert stretch.envelopes == b'[{"a":1},{"b":2}]'
