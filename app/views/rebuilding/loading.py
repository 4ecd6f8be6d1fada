"""Fills empty shadows from the log, each process with the workspaces of its share."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache

from psycopg import Connection
from psycopg.rows import TupleRow

from app.event_store.codec import decode_envelopes
from app.event_store.subscription import LogCorruptedError
from app.views.book import COLUMNS
from app.views.rebuilding.arrays import pack_arrays
from app.views.rebuilding.folding import Catalogue, Folding
from app.views.rebuilding.reading import make_ready, stretches_of
from app.views.rebuilding.session import open_session
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.shares import Share
from app.views.rebuilding.writing import writing
from domain.envelope import Envelope

LOG = "events"
Done = Callable[[int], None]


def load(
    dsn: str, catalogue: Catalogue, shadows: Sequence[Shadow], share: Share, done: Done
) -> int:
    """Fill *shadows*, those of the views of *catalogue*; return how many events that took.

    *done* is told, again and again, how many more events it took.
    """
    columns = columns_of(catalogue)
    with ExitStack() as stack:
        writes = {
            shadow.view: stack.enter_context(
                writing(session_of(dsn, shadow.view), shadow, columns[shadow.view])
            )
            for shadow in shadows
        }
        folding = Folding(catalogue, writes)
        return fold(session_of(dsn, LOG), folding, share, done)


def columns_of(catalogue: Catalogue) -> dict[str, Sequence[str]]:
    """Return the columns that are written of each table of *catalogue*, or of more tables."""
    rows = {view.name: view.row.__struct_fields__ for view in catalogue.projections}
    return {**rows, **COLUMNS}


def fold(log: Connection[TupleRow], folding: Folding, share: Share, done: Done) -> int:
    """Take all events of *share*; return how many there are.

    Raises:
        LogCorruptedError: a row of the log holds more than one.
    """
    amount = 0
    for stretch in stretches_of(log, share):
        events = decode_envelopes(stretch.envelopes)
        require_one_each(stretch.positions, events)
        folding.take(stretch.positions, events)
        amount += len(events)
        done(len(events))
    folding.end()
    return amount


def require_one_each(positions: Sequence[int], events: Sequence[Envelope]) -> None:
    """Raise LogCorruptedError where the rows at *positions* hold other than an event each."""
    if len(events) != len(positions):
        message = (
            f"The log is damaged: {len(positions)} rows from position {positions[0]} on hold"
            f" {len(events)} events."
        )
        raise LogCorruptedError(message)


@cache
def session_of(dsn: str, table: str) -> Connection[TupleRow]:
    """Return the session of this worker for *table*; it stays, so that no share waits for one."""
    connection = open_session(dsn, hasty=True)
    pack_arrays(connection)
    if table == LOG:
        make_ready(connection)
    return connection
