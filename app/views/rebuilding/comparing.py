"""Compares a shadow with its view: by count and checksum, and key by key where they differ."""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from msgspec import Struct
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier, Literal

from app.event_store.subscription import HEAD
from app.views.rebuilding.session import open_session
from app.views.rebuilding.shadows import Shadow
from projections.integration_view import integration_view

SHOWN = 20  # keys
# Hashes of whole rows, added bit by bit: no order matters, and keys keep rows from being the same
# and cancelling out. (A sum of as many bits takes a quarter longer, as PostgreSQL adds numerics.)
CHECKSUM = SQL("""
SELECT ({head}), count(*), bit_xor(hash_record_extended(kept, 0)) FROM {table} AS kept
""")
SNAPSHOT = "SELECT pg_export_snapshot()"
SAME = SQL("SET TRANSACTION SNAPSHOT {}")
DIFFERENCES = SQL("""
SELECT
    ARRAY[{texts}],
    live IS NULL, made IS NULL,
    ARRAY(
        SELECT key FROM jsonb_each(to_jsonb(live)) AS old JOIN jsonb_each(to_jsonb(made)) AS new
            USING (key)
        WHERE old.value IS DISTINCT FROM new.value ORDER BY key
    ),
    count(*) OVER ()
FROM {live} AS live FULL JOIN {table} AS made USING ({names})
WHERE live IS DISTINCT FROM made
ORDER BY {names} LIMIT %s
""")
COUNTED = "integration_counts"
COUNTS = SQL("""
SELECT
    ARRAY[workspace_id, type, is_active::text],
    counted IS NULL, real IS NULL, ARRAY['amount'], count(*) OVER ()
FROM (
    SELECT * FROM integrations.integration_counts WHERE amount <> 0
) AS counted
FULL JOIN (
    SELECT workspace_id, type, is_active, count(*) AS amount FROM integrations.integration_view
    GROUP BY workspace_id, type, is_active
) AS real USING (workspace_id, type, is_active)
WHERE counted.amount IS DISTINCT FROM real.amount
ORDER BY workspace_id, type, is_active LIMIT %s
""")


class Checksum(NamedTuple):
    """What tells two tables apart, and the last position of the log that it is of."""

    position: int
    rows: int
    hashes: int | None


class Difference(Struct, frozen=True):
    """A row that is not in the view as the log says; `key` is its primary key, as text.

    `columns` are those that differ; `is_missing` from the view, `is_extra` there.
    """

    view: str
    key: Sequence[str]
    is_missing: bool
    is_extra: bool
    columns: Sequence[str]

    def __str__(self) -> str:
        """Say it in a line, without any value but the key."""
        what = "has other " + ", ".join(self.columns)
        if self.is_missing:
            what = "is missing"
        if self.is_extra:
            what = "is not in the log"
        return f"{self.view}: {' '.join(self.key)} {what}"


class Compared(Struct, frozen=True):
    """How many rows of a view differ, and the first of them."""

    view: str
    amount: int
    first: Sequence[Difference]


def compare(
    connection: Connection[TupleRow],
    other: Connection[TupleRow],
    shadows: Sequence[Shadow],
    tell: Callable[[int], None],
) -> list[Compared]:
    """Compare *shadows* with their views, in the one snapshot of *connection* and *other*.

    The views are read by *other*, meanwhile where it is another session; then the counts that
    belong to one of them are compared, too. *tell* is told how many shadows have been read.
    """
    made: list[Checksum] = []
    with ThreadPoolExecutor(1) as threads:
        live = threads.submit(lambda: [checksum(other, shadow.live) for shadow in shadows])
        for number, shadow in enumerate(shadows, start=1):
            made.append(checksum(connection, shadow.table))
            tell(number)
        counted = compare_counts(connection, shadows)
    found = [
        compared_by(connection, shadow.view, differences_statement(shadow))
        if mine != its
        else Compared(shadow.view, 0, [])
        for shadow, mine, its in zip(shadows, made, live.result(), strict=True)
    ]
    return found + counted


def checksum(connection: Connection[TupleRow], table: Identifier) -> Checksum:
    """Return the checksum of *table*."""
    [row] = connection.execute(CHECKSUM.format(head=SQL(HEAD), table=table))
    return Checksum(*row)


@contextmanager
def beside(dsn: str, connection: Connection[TupleRow]) -> Generator[Connection[TupleRow]]:
    """Yield another session in the snapshot of *connection*'s transaction.

    It does not see what that transaction itself has written.
    """
    [snapshot] = connection.execute(SNAPSHOT).fetchone() or ("",)
    with open_session(dsn) as other:
        other.isolation_level = IsolationLevel.REPEATABLE_READ
        with other.transaction():
            other.execute(SAME.format(Literal(snapshot)))
            yield other


def compare_counts(connection: Connection[TupleRow], shadows: Sequence[Shadow]) -> list[Compared]:
    """Return how the counts of integrations differ from what there is to be counted in their view.

    Nothing where the view is none of those of *shadows*.
    """
    views = [shadow.view for shadow in shadows]
    return [compared_by(connection, COUNTED, COUNTS)] if integration_view.name in views else []


def counts_hold(found: Iterable[Compared]) -> bool:
    """Tell whether the counts were *found* to be those of a view that is as the log says.

    Then they stay so: whatever moves the view moves them with it.
    """
    same = {compared.view for compared in found if not compared.amount}
    return {integration_view.name, COUNTED} <= same


def compared_by(connection: Connection[TupleRow], view: str, statement: SQL | Composed) -> Compared:
    """Return the differences that *statement* finds."""
    found = connection.execute(statement, (SHOWN,)).fetchall()
    return Compared(
        view, found[0][4] if found else 0, [Difference(view, *row[:4]) for row in found]
    )


def differences_statement(shadow: Shadow) -> Composed:
    """Return what finds the keys whose rows differ."""
    names = [Identifier(name) for name in shadow.key]
    return DIFFERENCES.format(
        texts=SQL(", ").join(SQL("{}::text").format(name) for name in names),
        names=SQL(", ").join(names),
        live=shadow.live,
        table=shadow.table,
    )
