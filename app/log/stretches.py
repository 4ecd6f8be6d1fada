"""Reads the log in stretches, whose stored bytes come joined: rows of one event cost more."""

import sys
from array import array
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import asdict, replace
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from app.log.follow import BATCH, Batch, Part, read, statement_for

# Longer stretches are copied again and again while they grow.
JOINED = SQL("""
SELECT
    string_agg(int8send(position), '' ORDER BY position),
    string_agg(envelope, ',' ORDER BY position)
FROM ({batch}) AS batch GROUP BY position / 250 ORDER BY position / 250
""")


class Stretch(Struct, frozen=True):
    """Events in the order of the log: their positions, and what is stored of them, a JSON array."""

    positions: Sequence[int]
    envelopes: bytes


def read_stretches(
    connection: Connection[TupleRow], part: Part, batch: int = BATCH
) -> Iterator[Sequence[Stretch]]:
    """Yield the events of *part* as `read` does, at most *batch* at a time.

    Raises:
        LogDamagedError: a position is missing; the events before it were yielded.
    """
    statement = JOINED.format(batch=statement_for(part))
    after = part.after
    while after < part.to:
        wanted = {**asdict(part), "after": after, "limit": batch}
        rows = connection.execute(statement, wanted, binary=True, prepare=True)
        found = [joined(*row) for row in rows]
        amount = sum(len(stretch.positions) for stretch in found)
        last = found[-1].positions[-1] if found else after
        if part.is_whole and (last != after + amount or amount < min(batch, part.to - after)):
            for events in read(connection, replace(part, after=after), batch):  # finds the hole
                yield [stretch_of(events)]
        if found:
            yield found
        if amount < batch:
            return
        after = last


def joined(positions: bytes, envelopes: bytes) -> Stretch:
    """Return the stretch that the database joined; it sends numbers with their first byte first."""
    numbers = array("q", positions)
    if sys.byteorder == "little":
        numbers.byteswap()
    return Stretch(numbers, b"[%b]" % envelopes)


def stretch_of(events: Batch) -> Stretch:
    """Return *events* as a stretch."""
    envelopes = b",".join(envelope for _, envelope in events)
    return Stretch([position for position, _ in events], b"[%b]" % envelopes)
