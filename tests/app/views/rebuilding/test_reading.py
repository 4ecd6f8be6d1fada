"""Rows come out of the log as they are, or a failure does."""

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.reading import ENVELOPE, EVENTS, POSITION, copied, stretches_of
from app.views.rebuilding.shares import Share

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live

ROWS = b"COPY (SELECT n, int8send(n * n) FROM generate_series(1::bigint, %d) AS n) TO STDOUT %b"
BINARY = b"(FORMAT binary)"
FAILING = b"COPY (SELECT 10 / (%d - n) FROM generate_series(1, 900) AS n) TO STDOUT " + BINARY


def connected(dsn: str) -> Connection[TupleRow]:
    """Return a connection to *dsn*."""
    return psycopg.connect(dsn, autocommit=True)


@pytest.mark.parametrize("amount", [0, 1, EVENTS - 1, EVENTS, 3_000])
def test_every_row_is_yielded_as_the_server_sent_it(dsn: str, amount: int) -> None:
    with connected(dsn) as connection:
        rows = [row for rows in copied(connection.pgconn, ROWS % (amount, BINARY)) for row in rows]
        assert [
            (int.from_bytes(row[POSITION], "big"), int.from_bytes(row[ENVELOPE], "big"))
            for row in rows
        ] == [(n, n * n) for n in range(1, amount + 1)]
        assert connection.execute("SELECT 1").fetchone() == (1,)  # it can be used on


@pytest.mark.parametrize("at", [1, 5, 500])
def test_what_fails_on_the_way_is_an_error_and_no_early_end(dsn: str, at: int) -> None:
    with connected(dsn) as connection, pytest.raises(psycopg.errors.DivisionByZero):
        list(copied(connection.pgconn, FAILING % at))


def test_what_is_no_copy_is_an_error(dsn: str) -> None:
    with connected(dsn) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        list(copied(connection.pgconn, b"COPY nothing TO STDOUT"))


def test_a_server_that_goes_away_is_an_error(dsn: str) -> None:
    with connected(dsn) as connection, connected(dsn) as other:
        rows = copied(connection.pgconn, ROWS % (10_000_000, BINARY))
        next(rows)
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            list(rows)


async def test_whoever_ends_early_has_no_connection_to_go_on_with_by_mistake(
    live: "Live", dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await live(1, 200)
    connection = connected(dsn)
    stretches = stretches_of(connection, Share(head=1_000))
    next(stretches)
    stretches.close()
    assert connection.closed
    assert caplog.records == []
