"""Brings an indexed shadow up to a later position, from the complete streams that have moved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from app.event_store.codec import decode_recorded
from app.event_store.subscription import LogRange, read_range
from app.views.book import COLUMNS
from app.views.rebuilding.folding import Catalogue, Stream
from app.views.rebuilding.reopening import reopened
from app.views.rebuilding.shadows import Shadow
from domain.envelope import RecordedEvent
from projections.journal import Journal
from projections.projection import Projection

BATCH = 2_000  # events
HISTORIES = """
SELECT position, envelope FROM integrations.events
JOIN unnest(%s::text[], %s::text[]) AS moved (workspace_id, stream) USING (workspace_id, stream)
WHERE position <= %s ORDER BY workspace_id, stream, version
"""
Entry = tuple[int, Any]
"""A row of a journal, and the position of its event before it."""


class Moved(Struct, frozen=True):
    """A stream from its first event on; those after the position `after` are new to the shadow."""

    stream: Stream
    events: list[RecordedEvent]
    after: int

    def entries(self, journal: Journal[Any]) -> list[Entry]:
        """Return the rows of the new events."""
        old = [event for event in self.events if event.position <= self.after]
        new = self.events[len(old) :]
        rows = journal.entries(old, new)
        return [(event.position, row) for event, row in zip(new, rows, strict=True)]


def catch_up(
    connection: Connection[TupleRow],
    catalogue: Catalogue,
    shadows: Sequence[Shadow],
    part: LogRange,
) -> None:
    """Add to *shadows*, those of the views of *catalogue*, what the events of *part* lead to."""
    by_view = {shadow.view: shadow for shadow in shadows}
    for batch in read_range(connection, part, BATCH):
        streams = moved(connection, [decode_recorded(*row) for row in batch])
        with connection.cursor() as cursor:
            for projection in catalogue.projections:
                put_rows(cursor, projection, by_view[projection.name], streams)
            for journal in catalogue.journals:
                add_entries(cursor, journal, by_view, streams)


def moved(connection: Connection[TupleRow], batch: Sequence[RecordedEvent]) -> list[Moved]:
    """Return the streams of *batch*, up to its last event."""
    streams = {(event.workspace, event.stream) for event in batch}
    names = [workspace for workspace, _ in streams], [stream for _, stream in streams]
    found = connection.execute(HISTORIES, (*names, batch[-1].position), binary=True)
    events = (decode_recorded(*row) for row in found)
    by_stream = groupby(events, key=attrgetter("workspace", "stream"))
    return [Moved(stream, list(history), batch[0].position - 1) for stream, history in by_stream]


def put_rows(
    cursor: Cursor[TupleRow], projection: Projection[Any], shadow: Shadow, streams: Sequence[Moved]
) -> None:
    """Put the rows of *streams* in place of their last ones."""
    rows = [projection.fold(stream.events) for stream in streams]
    shadow.forget(cursor, [stream.stream for stream in streams])
    fields = projection.row.__struct_fields__
    shadow.add(cursor, fields, [astuple(row) for row in rows if row is not None])


def add_entries(
    cursor: Cursor[TupleRow],
    journal: Journal[Any],
    shadows: Mapping[str, Shadow],
    streams: Sequence[Moved],
) -> None:
    """Add the rows of the new events of *streams*, in the order of the log."""
    entries = sorted((e for stream in streams for e in stream.entries(journal)), key=position_of)
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in journal.tables}
    writes = {table: new.append for table, new in rows.items()}
    amounts = Counter(row.workspace_id for _, row in entries)
    books = reopened(cursor, shadows, amounts, writes)
    for position, row in entries:
        books[row.workspace_id].extend([position], [row])
    for book in books.values():
        book.close()
    for table, new in rows.items():
        shadows[table].add(cursor, COLUMNS[table], new)


def position_of(entry: Entry) -> int:
    """Return the position of an entry's event."""
    return entry[0]
