"""A shadow: the table in which a view is made anew, until it takes the view's place."""

from collections.abc import Iterable, Sequence
from typing import Self

from msgspec import Struct
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

COLUMNS = """
SELECT attname, atttypid FROM pg_attribute
WHERE attrelid = format('integrations.%%I', %s::text)::regclass AND attnum > 0 AND NOT attisdropped
"""
KEY = """
SELECT attname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
WHERE conrelid = format('integrations.%%I', %s::text)::regclass AND contype = 'p'
ORDER BY array_position(conkey, attnum)
"""
# An index of trigrams takes about sixteen times as long as another of its size.
INDEXES = """
SELECT relname, pg_relation_size(indexrelid) * CASE amname WHEN 'gin' THEN 16 ELSE 1 END
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
WHERE indrelid = format('integrations.%%I', %s::text)::regclass
"""
COPY = SQL("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")
DELETE = SQL("""
DELETE FROM {table} WHERE ({key}) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
""")


class Shadow(Struct, frozen=True):
    """The table `<view>_v<version>`: the types of its columns (OIDs), and its key's columns."""

    view: str
    version: int
    types: dict[str, int]
    key: Sequence[str]

    @classmethod
    def of(cls, connection: Connection[TupleRow], view: str, version: int) -> Self:
        """Return the shadow of *view*, whose columns are the view's; it need not exist yet."""
        types = dict(connection.execute(COLUMNS, (view,)).fetchall())
        key = [name for (name,) in connection.execute(KEY, (view,))]
        return cls(view, version, types, key)

    @property
    def table(self) -> Identifier:
        """The shadow's name in SQL."""
        return Identifier("integrations", f"{self.view}_v{self.version}")

    @property
    def live(self) -> Identifier:
        """The view's name in SQL."""
        return Identifier("integrations", self.view)

    def copy_statement(self, columns: Iterable[str]) -> Composed:
        """Return the COPY into *columns*; give their `types_of` to the copy."""
        names = SQL(", ").join(map(Identifier, columns))
        return COPY.format(table=self.table, columns=names)

    def types_of(self, columns: Iterable[str]) -> list[int]:
        """Return the OIDs of the types of *columns*."""
        return [self.types[column] for column in columns]

    def open(self, connection: Connection[TupleRow]) -> None:
        """Make the table, empty; one that a killed rebuild left behind goes."""
        connection.execute("SELECT integrations.open_shadow(%s, %s)", (self.view, self.version))

    def add(
        self,
        cursor: Cursor[TupleRow],
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
    ) -> None:
        """Copy *rows* into the table."""
        with cursor.copy(self.copy_statement(columns)) as copy:
            copy.set_types(self.types_of(columns))
            for row in rows:
                copy.write_row(row)

    def forget(self, cursor: Cursor[TupleRow], streams: Sequence[tuple[str, str]]) -> None:
        """Delete the rows of *streams*: of a projection, whose key is workspace and stream."""
        statement = DELETE.format(table=self.table, key=SQL(", ").join(map(Identifier, self.key)))
        workspaces, names = [w for w, _ in streams], [s for _, s in streams]
        cursor.execute(statement, (workspaces, names))

    def indexes(self, connection: Connection[TupleRow]) -> list[tuple[str, int]]:
        """Return the name of each index of the view, and how much work it is beside others."""
        return [(name, work) for name, work in connection.execute(INDEXES, (self.view,))]

    def build(self, connection: Connection[TupleRow], index: str) -> None:
        """Give the table the view's *index*."""
        connection.execute(
            "SELECT integrations.build_index(%s, %s, %s)", (self.view, self.version, index)
        )

    def index(self, connection: Connection[TupleRow]) -> None:
        """Make keys of the indexes that are keys of the view; all have been built."""
        connection.execute("SELECT integrations.index_shadow(%s, %s)", (self.view, self.version))

    def analyze(self, connection: Connection[TupleRow]) -> None:
        """Tell the planner of the rows; waits until no index is being built."""
        connection.execute("SELECT integrations.analyze_shadow(%s, %s)", (self.view, self.version))

    def switch(self, connection: Connection[TupleRow], position: int) -> None:
        """Put the table in its view's place; the append lock is held."""
        connection.execute(
            "SELECT integrations.switch_shadow(%s, %s, %s)", (self.view, self.version, position)
        )

    def drop(self, connection: Connection[TupleRow]) -> None:
        """Drop the table."""
        connection.execute("SELECT integrations.drop_shadows(%s)", (self.view,))
