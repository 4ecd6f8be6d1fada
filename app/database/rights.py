"""Looks at roles, their rights and row-level security at each start, and puts them right.

A dump has none of the server's roles, so none of the grants and policies that name one arrive with
it; and anybody who administers the database can change them.
"""

from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from typing import LiteralString, cast

from psycopg import Connection
from psycopg.errors import DuplicateObject, InsufficientPrivilege, UniqueViolation
from psycopg.rows import TupleRow, scalar_row

MISSING_SQL: Sequence[LiteralString] = [
    cast("LiteralString", (files("app.database") / "sql" / file).read_text())
    for file in ("missing_rights.sql", "row_level_security.sql")
]
OWNS_SCHEMA_SQL = """
SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'integrations'
"""
LOGIN_SQL = "SELECT rolname, rolcreaterole FROM pg_roles WHERE rolname = current_user"
MAX_STATEMENTS_SHOWN = 20
PASSES = 2  # to revoke a right on a table revokes those on its columns, too


class MissingRightsError(Exception):
    """Roles, rights or policies are missing, and this login may not add them."""

    def __init__(self, login: str, missing: Sequence[str], *, makes_roles: bool) -> None:
        what = f"{'; '.join(missing)};"
        if len(missing) > MAX_STATEMENTS_SHOWN:
            what = "integrations migrate, with its own INTEGRATIONS_DATABASE_URL."
        # A login that makes roles may grant them; so another login has made these.
        hint = " (if another installation has made them, set INTEGRATIONS_ROLE_PREFIX)"
        super().__init__(
            f"The database lacks roles or rights that {login} may not add{hint * makes_roles};"
            f" run, as an administrator of the database: {what}"
        )


def missing_rights(connection: Connection[TupleRow]) -> list[str]:
    """Return the statements that the migrated database lacks for its roles, rights and policies.

    Any login may ask; nothing is changed.
    """
    cursor = connection.cursor(row_factory=scalar_row)
    return [statement for query in MISSING_SQL for statement in cursor.execute(query).fetchall()]


def add_missing_rights(connection: Connection[TupleRow]) -> None:
    """Run what the database lacks, within the transaction of *connection*.

    Raises:
        MissingRightsError: the login may not; the message has the statements for one who may.
    """
    first = missing = missing_rights(connection)
    try:
        for _ in range(PASSES):
            for statement in missing:
                add_right(connection, statement)
            missing = missing and missing_rights(connection)
    except InsufficientPrivilege:
        raise refusal(connection, first) from None
    if missing:  # granted by another role, which alone can revoke it
        raise refusal(connection, missing)


def add_right(connection: Connection[TupleRow], statement: str) -> None:
    """Run *statement*, unless another database of the server was quicker to make the same role."""
    with suppress(DuplicateObject, UniqueViolation), connection.transaction():
        connection.execute(cast("LiteralString", statement))


def refusal(connection: Connection[TupleRow], missing: Sequence[str]) -> MissingRightsError:
    """Return the error that says what is *missing*, and to whom."""
    [(login, makes_roles)] = connection.execute(LOGIN_SQL).fetchall()
    return MissingRightsError(login, missing, makes_roles=makes_roles)


def owns_schema(connection: Connection[TupleRow]) -> bool:
    """Return whether the login may change the schema; true, too, while there is none."""
    return connection.execute(OWNS_SCHEMA_SQL).fetchone() != (False,)
