"""Brings a filled shadow table up to a later position."""

from app.event_store.log_range import LogRange, read_range
from app.views.rebuild.fill import decode_events, fold
from app.views.rebuild.shadow_table import ShadowTable

BATCH_SIZE = 2_000  # events


def catch_up(shadow: ShadowTable, after: int, head: int) -> None:
    """Change the rows of *shadow*, which has the events up to *after*, by those up to *head*.

    Raises:
        LogCorruptedError: a position is missing, or a row of the log is not one event.
    """
    for batch in read_range(shadow.connection, LogRange(after=after, to=head), BATCH_SIZE):
        events = decode_events([envelope for _, envelope in batch])
        rows = shadow.get_rows((event.workspace, event.stream) for event in events)
        fold(shadow.projection, rows, events)
        shadow.replace_rows(rows)
