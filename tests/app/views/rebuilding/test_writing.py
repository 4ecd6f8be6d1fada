"""Rows of a shadow go to the server in large pieces, all of them or none."""

from collections.abc import Generator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.writing import PIECE, writing
from tests.reliability.service import until

SENT = "SELECT bytes_processed FROM pg_stat_progress_copy WHERE pid = %s"
STORED = "SELECT id, length(text) FROM integrations.notes_v1 ORDER BY id"
LONG = "x" * 100_000
NOTES = Shadow("notes", 1, {"id": 20, "text": 25}, ["id"])


@pytest.fixture
def writer(dsn: str, admin: Connection[TupleRow]) -> Generator[Connection[TupleRow]]:
    """Yield a connection that may write notes."""
    admin.execute("CREATE TABLE integrations.notes_v1 (id bigint, text text)")
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_rows_wait_until_there_is_a_piece_of_them(
    writer: Connection[TupleRow], admin: Connection[TupleRow]
) -> None:
    def sent() -> int:
        [(amount,)] = admin.execute(SENT, (writer.info.backend_pid,)).fetchall()
        return amount

    with writing(writer, NOTES, ["id", "text"]) as write:
        for number in range(9):
            write((number, LONG))
            assert sent() == 0
        for number in range(9, 15):
            write((number, LONG))
        assert until(lambda: sent() >= PIECE, timeout=30) >= 0
        assert sent() < 15 * len(LONG)

    assert admin.execute(STORED).fetchall() == [(number, len(LONG)) for number in range(15)]


@pytest.mark.parametrize("amount", [0, 1, 25])
def test_where_writing_fails_no_row_is_stored(
    writer: Connection[TupleRow], admin: Connection[TupleRow], amount: int
) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail(writer, amount)

    assert admin.execute(STORED).fetchall() == []
    assert writer.execute("SELECT 1").fetchone() == (1,)  # it can be used on


def write_and_fail(writer: Connection[TupleRow], amount: int) -> None:
    """Write so many notes, and fail."""
    with writing(writer, NOTES, ["id", "text"]) as write:
        for number in range(amount):
            write((number, LONG))
        raise ZeroDivisionError
