"""Migrates a database to the schema of this code; several processes may run it at once."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from app.database.connection import role_name
from app.database.rights import add_missing_rights, owns_schema

MIN_SERVER_VERSION = 150000  # PostgreSQL 15, as libpq counts
LOCK_SQL = "SELECT pg_advisory_xact_lock(7597137600296673651)"
CREATE_TABLE_SQL = """
CREATE SCHEMA IF NOT EXISTS integrations;
CREATE TABLE IF NOT EXISTS integrations.migrations (
    name    text PRIMARY KEY,
    sha256  text NOT NULL,
    release text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
"""
TABLE_EXISTS_SQL = "SELECT to_regclass('integrations.migrations') IS NOT NULL"
IS_UNRELEASED_SQL = "SELECT to_regclass('integrations.answers') IS NOT NULL"
APPLIED_SQL = "SELECT name, sha256 FROM integrations.migrations"
RELEASES_SQL = "SELECT DISTINCT release FROM integrations.migrations"
RECORD_SQL = """
INSERT INTO integrations.migrations (name, sha256, release) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE
SET sha256 = excluded.sha256, release = excluded.release, at = now()
"""
FORGET_SQL = "DELETE FROM integrations.migrations WHERE name = ANY(%s)"
RELEASE = version("integrations")
SqlFile = tuple[str, str]
"""Package and file."""


def sql_files(*names: SqlFile) -> tuple[Traversable, ...]:
    """Return the files of *names*, in their order."""
    return tuple(files(f"app.{package}") / "sql" / f"{name}.sql" for package, name in names)


SCHEMA = sql_files(
    ("event_store", "events"),
    ("event_store", "snapshots"),
    ("event_store", "idempotent_responses"),
    ("views", "integration_view"),
    ("views", "integration_counts"),
    ("views", "channel_default_view"),
    ("views", "projections"),
    ("secrets", "secret_store"),
    ("secrets", "closed_keks"),
    ("audit", "audit"),
    ("access", "accesses"),
    ("sign_in", "console_codes"),
    ("sign_in", "console_sessions"),
    ("database", "installation_keys"),
)
"""What a new database gets once; from the first release on, numbered migrations change it."""
FUNCTIONS = sql_files(
    ("event_store", "lock_log"),
    ("event_store", "head"),
    ("event_store", "append"),
    ("event_store", "response_expiry"),
    ("event_store", "store_responses"),
    ("event_store", "load_streams"),
    ("event_store", "delete_expired_responses"),
    ("event_store", "overdue_responses"),
    ("event_store", "workspaces_over_quota"),
    ("event_store", "sequence_at"),
    ("views", "recount"),
    ("views", "write_integration_view"),
    ("views", "write_channel_default_view"),
    ("views", "get_integrations"),
    ("views", "list_integrations"),
    ("views", "search_integrations"),
    ("views", "lease_material"),
    ("secrets", "write_secrets"),
    ("secrets", "keks_in_use"),
    ("access", "delete_old_accesses"),
    ("access", "record_accesses"),
    ("event_store", "record_batch"),
    ("event_store", "record_each"),
    ("views.rebuild", "require_view"),
    ("views.rebuild", "create_shadow"),
    ("views.rebuild", "build_index"),
    ("views.rebuild", "analyze_shadow"),
    ("views.rebuild", "copy_policies"),
    ("views.rebuild", "invalidate_row_types"),
    ("views.rebuild", "switch_shadow"),
)


class MigrationError(Exception):
    """The database cannot be used; the message is one line that says why and what to do."""


def migrate(dsn: str) -> None:
    """Apply the files that the database *dsn* lacks, all or none, under a lock.

    The schema and the migrations run once, in their order, and never change afterwards; functions
    are applied again whenever their file has changed, roles and policies looked at each time.

    Raises:
        MigrationError: the server is too old, cannot be reached, lacks a right, or the database
            was set up by other files than ours.
        MissingRightsError: roles or policies are missing that the user may not add.
    """
    try:
        with psycopg.connect(dsn) as connection:
            require_version(connection)
            connection.execute(LOCK_SQL)
            if not owns_schema(connection):
                add_missing_rights(connection)
                role = Identifier(role_name(dsn, "integrations_command"))
                connection.execute(SQL("SET LOCAL ROLE {}").format(role))
            require_released(connection)
            ensure_migrations_table(connection)
            apply_missing(connection)
            connection.execute("RESET ROLE")
            # Until now a new function is everybody's, and a new table open to all rows.
            add_missing_rights(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        message = (
            "The database user may not set up the schema: grant it CREATE on the database and"
            " CREATEROLE, or run each first start of a release as an administrator and grant it the"
            f" roles of docs/roles.md, as docs/postgresql.md shows ({error.sqlstate})."
        )
        raise MigrationError(message) from None
    except psycopg.OperationalError as error:
        raise MigrationError(unreachable_message(error)) from None


def unreachable_message(error: psycopg.Error) -> str:
    """Return why the database cannot be used."""
    return f"The database cannot be reached or used: {first_error_line(error)}."


def require_version(connection: Connection[TupleRow]) -> None:
    """Raise MigrationError if the server is older than PostgreSQL 15."""
    version = connection.info.server_version
    if version < MIN_SERVER_VERSION:
        message = f"PostgreSQL {version // 10000} is too old: version 15 or newer is needed."
        raise MigrationError(message)


def require_released(connection: Connection[TupleRow]) -> None:
    """Raise MigrationError if the database was set up by a version before the first release."""
    if connection.execute(IS_UNRELEASED_SQL).fetchone() == (True,):
        message = (
            "This database or data directory was made before the first release, and this version"
            " cannot read it: start with an empty database or another INTEGRATIONS_DATA_DIR."
        )
        raise MigrationError(message)


def ensure_migrations_table(connection: Connection[TupleRow]) -> None:
    """Create the table of applied files if it is missing; later starts need no right to."""
    if connection.execute(TABLE_EXISTS_SQL).fetchone() == (False,):
        connection.execute(CREATE_TABLE_SQL)


def apply_missing(connection: Connection[TupleRow]) -> None:
    """Run what is new; raise MigrationError if what ran once has changed since."""
    applied = dict(connection.execute(APPLIED_SQL).fetchall())
    require_not_newer(connection, applied)
    for file in migrations():
        if applied.get(file.name, checksum(file)) != checksum(file):
            raise MigrationError(changed_message(file))
    new = [file for file in migrations() if file.name not in applied]
    # Functions may depend on what a migration changes; one of them is made from the columns.
    changed = [file for file in FUNCTIONS if new or applied.get(file.name) != checksum(file)]
    for file in (*new, *changed):
        apply(connection, file)
    if gone := [*applied.keys() - checksums().keys()]:  # functions that an older release had
        connection.execute(FORGET_SQL, (gone,))


def require_not_newer(connection: Connection[TupleRow], applied: Mapping[str, str]) -> None:
    """Raise MigrationError if a newer release made the schema, or it has files we do not know."""
    releases = [release for (release,) in connection.execute(RELEASES_SQL)]
    newest, ours = max(releases, key=release_number, default=RELEASE), checksums()
    is_newer = release_number(newest) > release_number(RELEASE)
    is_another_build = newest == RELEASE and not applied.keys() <= ours.keys()
    if (is_newer or is_another_build) and applied != ours:
        message = (
            f"This database was migrated by a newer release ({newest}; this is {RELEASE}): use that"
            " release, or restore a backup that was made before."
        )
        raise MigrationError(message)


def release_number(release: str) -> tuple[int, ...]:
    """Return *release* as something that can be compared."""
    return tuple(map(int, re.findall("[0-9]+", release)))


def changed_message(file: Traversable) -> str:
    """Return what to do about a *file* that is not the one that was applied."""
    if file in SCHEMA:
        return (
            f"This database or data directory was set up by another version ({file.name} differs),"
            " and this version cannot read it: start with an empty database or another"
            " INTEGRATIONS_DATA_DIR."
        )
    return f"Migration {file.name} has changed since it was applied; restore the file."


def migrations() -> list[Traversable]:
    """Return the schema's files, and then all numbered migrations, in their order."""
    folder = files("app.database") / "migrations"
    numbered = folder.iterdir() if folder.is_dir() else ()
    return [*SCHEMA, *sorted(numbered, key=lambda found: found.name)]


@cache
def migration_names() -> frozenset[str]:
    """Return what a database that can serve has applied, functions and roles included."""
    return frozenset(file.name for file in (*migrations(), *FUNCTIONS))


def checksums() -> Mapping[str, str]:
    """Return the checksum of each file of this code's schema."""
    return {file.name: checksum(file) for file in (*migrations(), *FUNCTIONS)}


def apply(connection: Connection[TupleRow], file: Traversable) -> None:
    """Run the statements of *file* and record it."""
    connection.execute(SQL(file.read_text()))  # pyright: ignore[reportArgumentType] — our own files
    connection.execute(RECORD_SQL, (file.name, checksum(file), RELEASE))


def checksum(file: Traversable) -> str:
    """Return the SHA-256 of *file*, hex."""
    return sha256(file.read_bytes()).hexdigest()


def first_error_line(error: psycopg.Error) -> str:
    """Return the first line of *error*; a connection error holds no stored values."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
