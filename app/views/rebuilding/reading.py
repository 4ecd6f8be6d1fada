"""Reads a share of the log, one workspace after the other, each in the order of the log."""

from collections.abc import Generator, Iterator
from itertools import islice

from psycopg import Connection
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Literal

from app.log.stretches import Stretch, joined
from app.views.rebuilding.shares import Share

EVENTS = 100  # of a stretch; what longer ones are decoded to is in no core's cache any more
# In the order of an index, so that no share is sorted. The planner would rather sort by position
# what another index finds, the whole of a long workspace.
IN_ORDER = (
    "SET LOCAL enable_sort = off",
    "SET LOCAL enable_incremental_sort = off",
    "SET LOCAL enable_bitmapscan = off",
)
# libpq reads at once what fits into its buffer, which is as large as its longest message was: what
# waits in a socket, in place of 16 KB.
WIDE = "SELECT repeat(' ', 400000)"
SHARE = SQL("""
COPY (
    SELECT position, envelope FROM integrations.events
    WHERE position <= {head} AND {after} AND {upto}
    ORDER BY workspace_id, position
) TO STDOUT (FORMAT binary)
""")
AFTER = SQL("workspace_id > {}")
UPTO = SQL("workspace_id <= {}")
NO_BOUND = SQL("true")
# PostgreSQL's manual, COPY, "Binary Format": a header before the first row; before each row how
# many columns it has, and before each column its length; a row of -1 columns at the end. The header
# comes together with the first row.
HEADER = 19  # bytes
END = 2  # bytes
POSITION, ENVELOPE = slice(6, 14), slice(18, None)


def stretches_of(log: Connection[TupleRow], share: Share) -> Generator[Stretch]:
    """Yield all events of *share*; who ends the iteration before that closes *log*.

    All is read in one transaction, so that traffic.py takes none of it for a request, and by one
    statement, whose snapshot keeps vacuums from what dies meanwhile.
    """
    with log.transaction():
        for setting in (WIDE, *IN_ORDER):
            log.execute(setting)
        rows = copied(log.pgconn, statement_for(share).as_bytes(log))
        try:
            while stretch := [*islice(rows, EVENTS)]:
                yield joined(
                    b"".join([row[POSITION] for row in stretch]),
                    b",".join([row[ENVELOPE] for row in stretch]),
                )
        except BaseException:
            log.close()  # the rest of the rows is still to come
            raise


def statement_for(share: Share) -> Composed:
    """Return what copies the events of *share* out."""
    return SHARE.format(
        head=Literal(share.head),
        after=NO_BOUND if share.after is None else AFTER.format(Literal(share.after)),
        upto=NO_BOUND if share.upto is None else UPTO.format(Literal(share.upto)),
    )


def copied(connection: PGconn, statement: bytes) -> Iterator[memoryview]:
    """Yield each row that *statement* copies out, in COPY's binary format.

    Of libpq, as a row of psycopg's takes as long as to decode it.

    Raises:
        psycopg.Error: the server could not, or not to the end.
    """
    begun = connection.exec_(statement)
    if begun.status != ExecStatus.COPY_OUT:
        raise error_from_result(begun)
    size, row = connection.get_copy_data(0)
    size, row = size - HEADER, row[HEADER:]
    while size > END:
        yield row
        size, row = connection.get_copy_data(0)
    while size >= 0:
        size, _ = connection.get_copy_data(0)
    for ended in [*iter(connection.get_result, None)]:  # all, or the connection is of no use
        if ended.status != ExecStatus.COMMAND_OK:
            raise error_from_result(ended)
