"""Brings a database to the shape that this code needs; safe to run by many at once."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL

OLDEST_SERVER = 150000  # PostgreSQL 15, as libpq counts
LOCK = "SELECT pg_advisory_xact_lock(7597137600296673651)"
PREPARE = """
CREATE SCHEMA IF NOT EXISTS integrations;
CREATE TABLE IF NOT EXISTS integrations.migrations (
    name   text PRIMARY KEY,
    sha256 text NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);
"""
PREPARED = "SELECT to_regclass('integrations.migrations') IS NOT NULL"
APPLIED = "SELECT name, sha256 FROM integrations.migrations"
REMEMBER = """
INSERT INTO integrations.migrations (name, sha256) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, at = now()
"""
FUNCTIONS = tuple(
    files(package) / name
    for package, name in (
        ("app.event_store.sql", "lock_log.sql"),
        ("app.event_store.sql", "head.sql"),
        ("app.event_store.sql", "append.sql"),
        ("app.event_store.sql", "store_responses.sql"),
        ("app.event_store.sql", "load_streams.sql"),
        ("app.event_store.sql", "delete_expired_responses.sql"),
        ("app.views", "recount.sql"),
        ("app.views", "write_integration_view.sql"),
        ("app.views", "bind_pages.sql"),
        ("app.views", "write_history.sql"),
        ("app.views", "look_up.sql"),
        ("app.views", "list_all.sql"),
        ("app.views", "search.sql"),
        ("app.views", "history_length.sql"),
        ("app.views", "bound_entries.sql"),
        ("app.views", "recorded_by.sql"),
        ("app.views", "late_entries.sql"),
        ("app.views", "name_of_list.sql"),
        ("app.views", "unlisted_entries.sql"),
        ("app.views", "numbers_in_list.sql"),
        ("app.views", "sequences_in_list.sql"),
        ("app.views", "sequences_at.sql"),
        ("app.views", "entries_at.sql"),
        ("app.views", "event_at.sql"),
        ("app.views", "stream_length.sql"),
        ("app.views", "stream_positions.sql"),
        ("app.views", "stream_events.sql"),
        ("app.secrets", "write_secrets.sql"),
        ("app.secrets", "keks_in_use.sql"),
        ("app.event_store.sql", "record_batch.sql"),
        ("app.event_store.sql", "record_each.sql"),
        ("app.views.rebuild.sql", "require_view.sql"),
        ("app.views.rebuild.sql", "create_shadow.sql"),
        ("app.views.rebuild.sql", "build_index.sql"),
        ("app.views.rebuild.sql", "analyze_shadow.sql"),
        ("app.views.rebuild.sql", "copy_policies.sql"),
        ("app.views.rebuild.sql", "invalidate_row_types.sql"),
        ("app.views.rebuild.sql", "switch_shadow.sql"),
        ("app.database", "roles.sql"),
        ("app.database", "walls.sql"),
    )
)
RIGHTS = FUNCTIONS[-2:]  # of all that the others make


class MigrationError(Exception):
    """The database cannot be used; the message is one line that says why and what to do."""


def migrate(dsn: str) -> None:
    """Apply the migrations that the database *dsn* lacks, all or none, under a lock.

    Migrations run once, in the order of their names, and never change afterwards; functions
    and roles are put in place anew whenever their file has changed.

    Raises:
        MigrationError: the server is too old, cannot be reached, lacks a right, or was
            migrated by other files than ours.
    """
    try:
        with psycopg.connect(dsn) as connection:
            require_version(connection)
            connection.execute(LOCK)
            prepare(connection)
            apply_missing(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        message = (
            "The database user may not set up the schema: grant it CREATE on the database and"
            " CREATEROLE, or run each first start of a release as an administrator and grant it the"
            f" roles of docs/roles.md ({error.sqlstate})."
        )
        raise MigrationError(message) from None
    except psycopg.OperationalError as error:
        message = f"The database cannot be reached or used: {first_line(error)}."
        raise MigrationError(message) from None


def require_version(connection: Connection[TupleRow]) -> None:
    """Raise MigrationError where the server is older than PostgreSQL 15."""
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        message = f"PostgreSQL {version // 10000} is too old: version 15 or newer is needed."
        raise MigrationError(message)


def prepare(connection: Connection[TupleRow]) -> None:
    """Make the place where migrations are remembered; where it is, nobody needs the right to."""
    if connection.execute(PREPARED).fetchone() == (False,):
        connection.execute(PREPARE)


def apply_missing(connection: Connection[TupleRow]) -> None:
    """Run what is new; raise MigrationError where a migration that ran has changed since."""
    applied = dict(connection.execute(APPLIED).fetchall())
    for file in migrations():
        if applied.get(file.name, checksum(file)) != checksum(file):
            message = f"Migration {file.name} has changed since it was applied; restore the file."
            raise MigrationError(message)
    new = [file for file in migrations() if file.name not in applied]
    new += [file for file in FUNCTIONS if applied.get(file.name) != checksum(file)]
    last = RIGHTS if new else ()  # until then a new function is everybody's, a table without walls
    for file in (*[file for file in new if file not in RIGHTS], *last):
        apply(connection, file)


def migrations() -> list[Traversable]:
    """Return the files of all migrations, in their order."""
    folder = files("app.database") / "migrations"
    return sorted(folder.iterdir(), key=lambda found: found.name)


@cache
def migration_names() -> frozenset[str]:
    """Return what a database that can serve has applied, functions and roles included."""
    return frozenset(file.name for file in (*migrations(), *FUNCTIONS))


def apply(connection: Connection[TupleRow], file: Traversable) -> None:
    """Run the statements of *file* and remember that."""
    connection.execute(SQL(file.read_text()))  # pyright: ignore[reportArgumentType] — our own files
    connection.execute(REMEMBER, (file.name, checksum(file)))


def checksum(file: Traversable) -> str:
    """Return the SHA-256 of *file*, hex."""
    return sha256(file.read_bytes()).hexdigest()


def first_line(error: psycopg.Error) -> str:
    """Return what libpq says first; a connection error holds no values of ours."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
