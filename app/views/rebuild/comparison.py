"""Compares a view with the rows that follow from the log: for `rebuild`, `--check`, `verify`."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from app.event_store.log_range import head_position
from app.progress import ProgressCallback
from app.views.rebuild.fill import LogScope, fill
from app.views.rebuild.shadow_table import (
    KEY_COLUMNS,
    RowTable,
    create_temporary_table,
    open_session,
)
from projections.integration_view import integration_view
from projections.projection import Projection

MAX_SHOWN = 20  # differences
ROWS_SQL = SQL("""
(SELECT * FROM {table} WHERE %(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
""")
# Hashes of whole rows, combined bit by bit, so that their order does not matter; two equal rows,
# which would cancel out, cannot exist, as each has its own key.
CHECKSUM_SQL = SQL(
    "SELECT count(*), bit_xor(hash_record_extended(stored, 0)) FROM {rows} AS stored"
)
DIFFERENCES_SQL = SQL("""
SELECT
    ARRAY[{texts}], live IS NULL, expected IS NULL,
    ARRAY(
        SELECT key FROM jsonb_each(to_jsonb(live)) AS old
        JOIN jsonb_each(to_jsonb(expected)) AS new USING (key)
        WHERE old.value IS DISTINCT FROM new.value ORDER BY key
    ),
    count(*) OVER ()
FROM {live} AS live FULL JOIN {expected} AS expected USING ({key})
WHERE live IS DISTINCT FROM expected
ORDER BY {key} LIMIT %(limit)s
""")
COUNTS = "integration_counts"
COUNT_DIFFERENCES_SQL = SQL("""
SELECT
    ARRAY[workspace_id, type, is_active::text],
    counts.amount IS NULL, expected.amount IS NULL, ARRAY['amount'], count(*) OVER ()
FROM (
    SELECT * FROM integrations.integration_counts WHERE amount <> 0
) AS counts
FULL JOIN (
    SELECT workspace_id, type, is_active, count(*) AS amount FROM integrations.integration_view
    GROUP BY workspace_id, type, is_active
) AS expected USING (workspace_id, type, is_active)
WHERE counts.amount IS DISTINCT FROM expected.amount
    AND (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
ORDER BY workspace_id, type, is_active LIMIT %(limit)s
""")


class Difference(Struct, frozen=True):
    """A row of `table` that is not as the log says; `key` is its primary key, as text.

    `columns` are those that differ; the row `is_missing` from the table, or `is_extra` there.
    """

    table: str
    key: Sequence[str]
    is_missing: bool
    is_extra: bool
    columns: Sequence[str]

    def __str__(self) -> str:
        """Return a line without any value but the key."""
        what = "has other " + ", ".join(self.columns)
        if self.is_missing:
            what = "is missing"
        if self.is_extra:
            what = "is not in the log"
        return f"{self.table}: {' '.join(self.key)} {what}"


class TableComparison(Struct, frozen=True):
    """How many rows of a table differ, and the first of them."""

    table: str
    count: int
    first: Sequence[Difference]


class LogComparison(Struct, frozen=True):
    """How many events were read, and how each table compares with them."""

    events: int
    tables: Sequence[TableComparison]

    @property
    def differs(self) -> bool:
        """Whether a row is not as the log says."""
        return any(table.count for table in self.tables)


def compare_with_log(
    dsn: str,
    projections: Iterable[Projection[Any]],
    progress: ProgressCallback,
    workspace: str | None = None,
) -> LogComparison:
    """Compare the views of *projections* with the log as it is now, all of it or one *workspace*.

    All is read in one snapshot; writes go to temporary tables alone.

    Raises:
        LogCorruptedError: a position is missing, or a row of the log is not one event.
    """
    events, tables = 0, list[TableComparison]()
    with open_session(dsn) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            scope = LogScope(head_position(connection), workspace)
            for projection in projections:
                expected = create_temporary_table(connection, projection)
                events = fill(dsn, expected, scope, progress)
                tables += compare(expected, workspace)
                progress("Comparing", 1, 1)
    return LogComparison(events, tables)


def compare(expected: RowTable, workspace: str | None = None) -> list[TableComparison]:
    """Compare the view of a projection, and the counts that belong to it, with the *expected* rows.

    The caller's transaction has one snapshot of both.
    """
    view = expected.projection.name
    live_rows = ROWS_SQL.format(table=Identifier("integrations", view))
    expected_rows = ROWS_SQL.format(table=expected.name)
    connection, found = expected.connection, TableComparison(view, 0, [])
    if checksum(connection, live_rows, workspace) != checksum(connection, expected_rows, workspace):
        query = differences_query(expected, live_rows, expected_rows)
        found = find_differences(connection, view, query, workspace)
    if view != integration_view.name:
        return [found]
    return [found, find_differences(connection, COUNTS, COUNT_DIFFERENCES_SQL, workspace)]


def checksum(connection: Connection[TupleRow], rows: Composed, workspace: str | None) -> TupleRow:
    """Return how many *rows* there are, and a checksum in which their order does not matter."""
    query = CHECKSUM_SQL.format(rows=rows)
    [found] = connection.execute(query, {"workspace": workspace})
    return found


def differences_query(expected: RowTable, live_rows: Composed, expected_rows: Composed) -> Composed:
    """Return the query for the keys whose rows differ."""
    key = [Identifier(name) for name in expected.columns[:KEY_COLUMNS]]
    return DIFFERENCES_SQL.format(
        texts=SQL(", ").join(SQL("{}::text").format(name) for name in key),
        key=SQL(", ").join(key),
        live=live_rows,
        expected=expected_rows,
    )


def find_differences(
    connection: Connection[TupleRow], table: str, query: SQL | Composed, workspace: str | None
) -> TableComparison:
    """Return the differences of *table* that *query* finds."""
    found = connection.execute(query, {"workspace": workspace, "limit": MAX_SHOWN}).fetchall()
    first = [Difference(table, *row[:4]) for row in found]
    return TableComparison(table, found[0][4] if found else 0, first)


def counts_match(tables: Iterable[TableComparison]) -> bool:
    """Return whether the view and its counts are as the log says, as every write keeps both."""
    same = {table.table for table in tables if not table.count}
    return {integration_view.name, COUNTS} <= same
