"""Reads a share of the log, one workspace after the other, each in the order of the log."""

from collections.abc import Generator, Iterator, Sequence
from functools import partial
from itertools import chain, islice

from psycopg import Connection
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Literal

from app.event_store.reader import Chunk, chunk_from_row
from app.views.rebuilding.shares import Share

EVENTS = 100  # of a stretch; what longer ones are decoded to is in no core's cache any more
# In the order of an index, so that no share is sorted. The planner would rather sort by position
# what another index finds, the whole of a long workspace.
IN_ORDER = (
    "SET enable_sort = off",
    "SET enable_incremental_sort = off",
    "SET enable_bitmapscan = off",
)
# libpq reads at once what fits into its buffer, which is as large as its longest message was: what
# waits in a socket, in place of 16 KB.
WIDE = "SELECT repeat(' ', 400000)"
READIED = 1  # commits of make_ready
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
NO_MORE = (-1, memoryview(b""))  # what libpq says after that
POSITION, ENVELOPE = slice(6, 14), slice(18, None)


def make_ready(log: Connection[TupleRow]) -> None:
    """Have *log* read shares as fast as it can, from now on."""
    with log.transaction():
        for setting in (WIDE, *IN_ORDER):
            log.execute(setting)


def stretches_of(log: Connection[TupleRow], share: Share) -> Generator[Chunk]:
    """Yield all events of *share*; who ends the iteration before that closes *log*.

    All is read in one transaction, so that traffic.py takes none of it for a request, and by one
    statement, whose snapshot keeps vacuums from what dies meanwhile.
    """
    with log.transaction():
        try:
            for rows in copied(log.pgconn, statement_for(share).as_bytes(log)):
                yield chunk_from_row(
                    b"".join([row[POSITION] for row in rows]),
                    b",".join([row[ENVELOPE] for row in rows]),
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


def copied(connection: PGconn, statement: bytes) -> Iterator[Sequence[memoryview]]:
    """Yield the rows that *statement* copies out in COPY's binary format, EVENTS at once.

    Of libpq, as a row of psycopg's takes as long as to decode it.

    Raises:
        psycopg.Error: the server could not, or not to the end.
    """
    begun = connection.exec_(statement)
    if begun.status != ExecStatus.COPY_OUT:
        raise error_from_result(begun)
    sent = iter(partial(connection.get_copy_data, 0), NO_MORE)
    first = [(size - HEADER, row[HEADER:]) for size, row in islice(sent, 1)]
    rows = chain(first, sent)
    while batch := [*islice(rows, EVENTS)]:
        yield [row for size, row in batch if size > END]
    for ended in [*iter(connection.get_result, None)]:  # all, or the connection is of no use
        if ended.status != ExecStatus.COMMAND_OK:
            raise error_from_result(ended)
