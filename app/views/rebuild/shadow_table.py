"""The table in which a view is rebuilt, until it takes the view's place."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from msgspec import Struct
from msgspec.structs import astuple
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg.types.json import JsonbDumper

from app.database.connection import acting_as
from projections.projection import Projection

ROLE = "integrations_rebuild"
SESSION = {"timezone": "UTC", "work_mem": "64MB", "idle_session_timeout": "0"}
NOTICE_LOST_CLIENT = "SET client_connection_check_interval = '500ms'"
INDEXES_SQL = """
SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid
WHERE indrelid = format('integrations.%%I', %s::text)::regclass ORDER BY relname
"""
CREATE_TEMPORARY_SQL = SQL("CREATE TEMPORARY TABLE {name} (LIKE {view}) ON COMMIT DROP")
COPY_SQL = SQL("COPY {table} ({columns}) FROM STDIN")
ROWS_SQL = SQL(
    "SELECT {columns} FROM {table} JOIN unnest(%s::text[], %s::text[]) AS _ ({key}) USING ({key})"
)
DELETE_SQL = SQL(
    "DELETE FROM {table} WHERE ({key}) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
)
KEY_COLUMNS = 2  # workspace and stream, the first of a row
Key = tuple[str, str]
Rows = dict[Key, Struct | None]
"""Rows by their key; None for a row that is gone."""


class RowTable:
    """A table with the rows of a *projection*, over one *connection*."""

    def __init__(
        self, connection: Connection[TupleRow], projection: Projection[Any], name: Identifier
    ) -> None:
        self.connection = connection
        self.projection = projection
        self.name = name
        self.columns = projection.row.__struct_fields__
        self._sql = {
            "table": name,
            "columns": SQL(", ").join(map(Identifier, self.columns)),
            "key": SQL(", ").join(map(Identifier, self.columns[:KEY_COLUMNS])),
        }

    def copy_rows(self, rows: Iterable[Struct | None]) -> None:
        """Add *rows* but those that are gone."""
        copy_sql = COPY_SQL.format(**self._sql)
        with self.connection.cursor() as cursor, cursor.copy(copy_sql) as copy:
            for row in rows:
                if row is not None:
                    copy.write_row(astuple(row))


class ShadowTable(RowTable):
    """The table `<view>_v<version>`; PostgreSQL functions of the owner create and switch it."""

    def __init__(self, connection: Connection[TupleRow], projection: Projection[Any]) -> None:
        table = f"{projection.name}_v{projection.version}"
        super().__init__(connection, projection, Identifier("integrations", table))

    def create(self) -> None:
        """Create the table, empty; drop one that a killed rebuild left behind."""
        self._call("create_shadow(%s, %s)")

    def get_rows(self, keys: Iterable[Key]) -> Rows:
        """Return the rows of *keys*, None for those that are not there."""
        rows = dict.fromkeys(keys)
        found = self.connection.execute(ROWS_SQL.format(**self._sql), key_arrays(rows), binary=True)
        return rows | {values[:KEY_COLUMNS]: self.projection.row(*values) for values in found}

    def replace_rows(self, rows: Rows) -> None:
        """Put *rows* in the place of those that have their keys."""
        self.connection.execute(DELETE_SQL.format(**self._sql), key_arrays(rows))
        self.copy_rows(rows.values())

    def index_names(self) -> list[str]:
        """Return the names of the view's indexes."""
        return [name for (name,) in self.connection.execute(INDEXES_SQL, (self.projection.name,))]

    def build_index(self, name: str) -> None:
        """Give the table the view's index *name*, and the key that belongs to it."""
        self._call("build_index(%s, %s, %s)", name)

    def analyze(self) -> None:
        """Collect the planner's statistics."""
        self._call("analyze_shadow(%s, %s)")

    def switch(self, position: int) -> None:
        """Put the table in its view's place; the append lock is held and *position* is the head."""
        self._call("switch_shadow(%s, %s, %s)", position)

    def _call(self, call: str, *arguments: object) -> None:
        names = self.projection.name, self.projection.version
        self.connection.execute(f"SELECT integrations.{call}".encode(), (*names, *arguments))


def create_temporary_table(
    connection: Connection[TupleRow], projection: Projection[Any]
) -> RowTable:
    """Return a table that is dropped when the transaction ends."""
    name = Identifier("pg_temp", projection.name)
    view = Identifier("integrations", projection.name)
    connection.execute(CREATE_TEMPORARY_SQL.format(name=name, view=view))
    return RowTable(connection, projection, name)


def key_arrays(rows: Mapping[Key, object]) -> tuple[list[str], list[str]]:
    """Return workspaces and streams, as `unnest` takes them."""
    return [workspace for workspace, _ in rows], [stream for _, stream in rows]


def open_session(dsn: str) -> Connection[TupleRow]:
    """Return an autocommitting connection to *dsn* as the role that rebuilds.

    The server notices within a second when the process is killed.

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    connection = psycopg.connect(acting_as(dsn, ROLE, **SESSION), autocommit=True)
    connection.adapters.register_dumper(dict, JsonbDumper)  # of a row's settings
    with suppress(psycopg.errors.InvalidParameterValue):  # a platform without such notice
        connection.execute(NOTICE_LOST_CLIENT)
    return connection
