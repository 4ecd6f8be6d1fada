"""Writes the rows of a shadow, many at once."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, Cursor
from psycopg.abc import Buffer
from psycopg.copy import LibpqWriter
from psycopg.rows import TupleRow

from app.views.book import Write
from app.views.rebuilding.shadows import Shadow

PIECE = 1 << 20  # bytes


class Wholesale(LibpqWriter):
    """Sends a COPY to the server a PIECE at a time; psycopg sends 32 KB.

    Whatever is sent wakes the server's process, which takes the core from who wrote.
    """

    def __init__(self, cursor: Cursor[Any]) -> None:
        super().__init__(cursor)
        self._waiting = bytearray()

    def write(self, data: Buffer) -> None:
        """Send *data*, or keep it until there is a piece."""
        self._waiting += data
        if len(self._waiting) >= PIECE:
            self._send()

    def finish(self, exc: BaseException | None = None) -> None:
        """Send the rest; nothing is stored where there is an *exc*."""
        if exc is None:
            self._send()
        super().finish(exc)

    def _send(self) -> None:
        super().write(self._waiting)
        self._waiting = bytearray()


@contextmanager
def writing(
    connection: Connection[TupleRow], shadow: Shadow, columns: Sequence[str]
) -> Generator[Write]:
    """Yield what adds one row; all are stored at the end, or none."""
    statement = shadow.copy_statement(columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(statement, writer=Wholesale(cursor)) as copy,
    ):
        copy.set_types(shadow.types_of(columns))
        yield copy.write_row
