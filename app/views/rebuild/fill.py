"""Folds the log from its beginning into the rows of a projection, and copies them into a table.

The log is read stream by stream, in chunks, so that memory does not grow with the log: a row is
complete when its stream ends, and only one stream continues in the next chunk.
"""

import gc
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import msgspec
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from app.event_store.log_range import LogCorruptedError
from app.prefetch import prefetch
from app.progress import ProgressCallback
from app.views.rebuild.shadow_table import Rows, RowTable, open_session
from domain.aggregates import Aggregate, DomainEvent
from domain.envelope import Envelope
from projections.projection import Projection

CHUNK_SIZE = 2_000  # events
CHUNK_SQL = SQL("""
SELECT workspace_id, stream, version, envelope FROM integrations.events
WHERE (workspace_id, stream, version) > (%(after_workspace)s, %(after_stream)s, %(after_version)s)
    AND position <= %(head)s AND starts_with(stream, %(prefix)s) {workspace}
ORDER BY workspace_id, stream, version LIMIT %(limit)s
""")
COUNT_SQL = """
SELECT count(*) FROM integrations.events
WHERE position <= %s AND (%s::text IS NULL OR workspace_id = %s)
"""
IN_WORKSPACE, ANYWHERE = SQL("AND workspace_id = %(after_workspace)s"), SQL("")
StoredEvent = tuple[str, str, int, bytes]
"""Workspace, stream, version and stored envelope."""


class LogScope(Struct, frozen=True):
    """The events up to the position `head`, of all workspaces or of one."""

    head: int
    workspace: str | None = None


class ProjectedEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a projection reads of a stored event; decoding skips the rest."""

    workspace: str
    stream: str
    version: int
    at: datetime
    event: DomainEvent


decoder = msgspec.json.Decoder(list[ProjectedEvent])


def fill(dsn: str, table: RowTable, scope: LogScope, progress: ProgressCallback) -> int:
    """Copy the rows that follow from the events of *scope* into *table*.

    Only streams of the projection's aggregate are read. Returns how many events the scope has.

    Raises:
        LogCorruptedError: a position is missing, or a row of the log is not one event.
    """
    done, rows = 0, Rows()
    with open_session(dsn) as log, paused_garbage_collection():
        amount = count_events(log, scope)
        for chunk in prefetch(read_chunks(log, scope, table.projection.aggregate)):
            fold(table.projection, rows, decode_events([row[3] for row in chunk]))
            table.copy_rows(pop_complete(rows))
            done += len(chunk)
            progress("Reading the log", done, scope.head)
    table.copy_rows(rows.values())
    return amount


def count_events(log: Connection[TupleRow], scope: LogScope) -> int:
    """Return how many events *scope* has.

    Raises:
        LogCorruptedError: they are fewer than its positions.
    """
    [(count,)] = log.execute(COUNT_SQL, (scope.head, scope.workspace, scope.workspace))
    if scope.workspace is None and count != scope.head:
        message = f"The log is damaged: it ends at position {scope.head} and has {count} events."
        raise LogCorruptedError(message)
    return count


@contextmanager
def paused_garbage_collection() -> Generator[None]:
    """Look for no cycles meanwhile: events and rows have none, and to look costs a fifth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_chunks(
    log: Connection[TupleRow], scope: LogScope, aggregate: Aggregate
) -> Iterator[Sequence[StoredEvent]]:
    """Yield the events of *aggregate* by their streams; no transaction stays open meanwhile."""
    query = CHUNK_SQL.format(workspace=ANYWHERE if scope.workspace is None else IN_WORKSPACE)
    key: dict[str, object] = {
        "after_workspace": scope.workspace or "", "after_stream": "", "after_version": 0,
    }  # fmt: skip
    while True:
        wanted = {**key, "head": scope.head, "prefix": aggregate.prefix, "limit": CHUNK_SIZE}
        chunk = log.execute(query, wanted, binary=True, prepare=True).fetchall()
        if not chunk:
            return
        yield chunk
        key = dict(zip(key, chunk[-1][:3], strict=True))


def decode_events(stored: Sequence[bytes]) -> Sequence[Envelope]:
    """Return the events that are *stored*; decoded together, as one at a time takes longer.

    Raises:
        LogCorruptedError: the bytes are not one event each.
    """
    try:
        events = decoder.decode(b"[%b]" % b",".join(stored))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = f"The log is damaged: {len(stored)} rows of it hold bytes that are no event."
        raise LogCorruptedError(message) from None  # the reason would repeat values
    if len(events) != len(stored):
        message = f"The log is damaged: {len(stored)} rows of it hold {len(events)} events."
        raise LogCorruptedError(message)
    return cast("list[Envelope]", events)


def fold(projection: Projection[Any], rows: Rows, events: Iterable[Envelope]) -> None:
    """Change *rows* by *events*; None stands for a row that is gone."""
    evolve = projection.evolve
    for event in events:
        key = event.workspace, event.stream
        rows[key] = evolve(rows.get(key), event)


def pop_complete(rows: Rows) -> Sequence[Struct | None]:
    """Remove all *rows* but the last, whose stream may continue, and return them."""
    last = rows.popitem()
    complete = [*rows.values()]
    rows.clear()
    rows.update([last])
    return complete
