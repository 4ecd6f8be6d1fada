"""Whether a database has the schema of this code: what every command asks but serve and migrate."""

import psycopg
from psycopg.sql import SQL, Identifier

from app.database.connection import role_name
from app.database.migrate import (
    APPLIED_SQL,
    TABLE_EXISTS_SQL,
    MigrationError,
    checksums,
    require_not_newer,
    require_released,
    require_version,
    unreachable_message,
)
from app.database.rights import owns_schema


def require_schema(dsn: str) -> None:
    """Raise MigrationError unless the database *dsn* has the schema of this code; change nothing.

    For every command but `serve` and `migrate`: functions are part of the schema, and a service of
    another release may be using them.
    """
    try:
        with psycopg.connect(dsn) as connection:
            require_version(connection)
            if not owns_schema(connection):  # a login may have no right of its own to look
                role = Identifier(role_name(dsn, "integrations_audit"))
                connection.execute(SQL("SET LOCAL ROLE {}").format(role))
            require_released(connection)
            if connection.execute(TABLE_EXISTS_SQL).fetchone() == (False,):
                message = (
                    "There is no log to read in this database: start the service once (integrations"
                    " serve), or see INTEGRATIONS_DATABASE_URL."
                )
                raise MigrationError(message)
            applied = dict(connection.execute(APPLIED_SQL).fetchall())
            require_not_newer(connection, applied)
            if applied != checksums():
                message = (
                    "The schema of this database is not that of this release, but an older one:"
                    " run integrations migrate, or the release that serves it."
                )
                raise MigrationError(message)
    except psycopg.errors.InsufficientPrivilege as error:
        message = (
            "The database user may not read the log: grant it the roles of docs/roles.md, as"
            f" docs/postgresql.md shows ({error.sqlstate})."
        )
        raise MigrationError(message) from None
    except psycopg.OperationalError as error:
        raise MigrationError(unreachable_message(error)) from None
