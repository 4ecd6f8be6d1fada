"""The tables of the schema, copied out in one snapshot and in again; no programs are needed.

Binary COPY is the same in all releases of PostgreSQL, so a backup moves between them. Text in it
has the encoding of the session, which is UTF-8 whatever the database's.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from app.backup.errors import BackupError
from app.database.migrate import APPLIED_SQL, checksum, migrations
from app.database.rights import add_missing_rights

CHUNK_BYTES = 1 << 20
# Not what says how the schema was set up, no shadow of a view, which a rebuild fills, and nobody's
# sign-in: a session that was closed would be open again.
TABLES_SQL = """
SELECT relname::text, pg_has_role(relowner, 'USAGE'), current_user::text, relowner::regrole::text
FROM pg_class
WHERE relnamespace = to_regnamespace('integrations') AND relkind IN ('r', 'p')
    AND relname NOT IN ('migrations', 'console_codes', 'console_sessions')
    AND relname !~ '_v[0-9]+$'
ORDER BY relname
"""
PREFILLED = ("audit_follower",)
"""Tables that have rows in a new database."""
Session = Connection[TupleRow]


def session(dsn: str) -> Session:
    """Return an autocommitting connection to *dsn* for copying, however long it takes; close it."""
    connection = psycopg.connect(
        dsn, autocommit=True, client_encoding="utf8", application_name="integrations_backup"
    )
    connection.execute("SET statement_timeout = 0")
    return connection


@contextmanager
def snapshot(dsn: str) -> Generator[tuple[Session, list[str]]]:
    """Yield a connection that sees the database *dsn* as it is now, and the names of its tables.

    Raises:
        BackupError: there is nothing to back up, or the user may not see all of it.
    """
    with session(dsn) as connection:
        found = connection.execute(TABLES_SQL).fetchall()
        if not found:
            message = "There is nothing to back up: the service has not been started yet."
            raise BackupError(message)
        for _, is_owner, login, owner in found:
            if not is_owner:
                message = (
                    f"The login {login} does not see all rows: run this with the"
                    f" INTEGRATIONS_DATABASE_URL of {owner}, who owns the tables."
                )
                raise BackupError(message)
        connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        connection.set_read_only(True)
        tables = [name for name, *_ in found]
        with connection.transaction():
            # Before the first query, which takes the snapshot: a view that a rebuild has put in
            # its place since would look empty.
            connection.execute(statement("LOCK TABLE {} IN ACCESS SHARE MODE", *tables))
            yield connection, tables


def own_schema() -> dict[str, str]:
    """Return the SHA-256 of each file that sets up the tables of this release."""
    return {file.name: checksum(file) for file in migrations()}


def require_own_schema(connection: Session) -> None:
    """Raise BackupError if the tables of the database are not those of this release."""
    own = own_schema()
    applied = dict(connection.execute(APPLIED_SQL).fetchall())
    if {name: applied.get(name) for name in own} != own:
        message = "The database was set up by another release: back it up with that one."
        raise BackupError(message)


def statement(template: LiteralString, *tables: str) -> Composed:
    """Return the SQL *template* with the names of *tables* in the place of {}."""
    names = SQL(", ").join(Identifier("integrations", table) for table in tables)
    return SQL(template).format(names)


def copy_out(connection: Session, table: str, write: Callable[[bytes], None]) -> None:
    """Pass all rows of *table* to *write*, in pieces."""
    with connection.cursor().copy(statement("COPY {} TO STDOUT (FORMAT binary)", table)) as rows:
        for piece in rows:
            write(bytes(piece))


def copy_in(connection: Session, directory: Path, tables: Iterable[str]) -> None:
    """Fill the *tables*, all of the schema's, with their files in *directory*; in a transaction.

    Row-level security is off for the owner meanwhile, and on again at the end.

    Raises:
        BackupError: they are other tables than the schema has.
    """
    found = connection.execute(TABLES_SQL).fetchall()
    if [name for name, *_ in found] != sorted(tables):
        message = "The backup has other tables than this release: restore it with its own release."
        raise BackupError(message)
    for table, *_ in found:
        # COPY cannot fill a table whose row-level security holds for its owner, too.
        connection.execute(statement("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", table))
        if table in PREFILLED:
            connection.execute(statement("DELETE FROM {}", table))
        fill(connection, table, directory / f"{table}.copy")
    add_missing_rights(connection)


def fill(connection: Session, table: str, path: Path) -> None:
    """Fill *table* with the file *path*."""
    with (
        path.open("rb") as file,
        connection.cursor().copy(statement("COPY {} FROM STDIN (FORMAT binary)", table)) as rows,
    ):
        while chunk := file.read(CHUNK_BYTES):
            rows.write(chunk)
    connection.execute(statement("ANALYZE {}", table))


def require_empty(connection: Session) -> None:
    """Raise BackupError if the schema is there and has rows that no new one has."""
    for table, *_ in connection.execute(TABLES_SQL).fetchall():
        query = statement("SELECT EXISTS (SELECT FROM {})", table)
        if table not in PREFILLED and connection.execute(query).fetchone() == (True,):
            message = (
                f"The database is not empty (integrations.{table} has rows): restore into a new"
                " one, or into another INTEGRATIONS_DATA_DIR if it is embedded."
            )
            raise BackupError(message)
