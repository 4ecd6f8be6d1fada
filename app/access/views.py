"""Reads the access journal, newest first."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict, replace
from psycopg import Connection
from psycopg.rows import TupleRow, args_row
from psycopg.sql import SQL, Composed

from app.access.access import Access, decode_access
from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace

CONDITIONS = {
    "integration": SQL("stream = %(integration)s"),
    "actor": SQL("actor_id = %(actor)s"),
    "field": SQL("convert_from(envelope, 'UTF8')::jsonb -> 'versions' ? %(field)s"),
    "version": SQL("""
        EXISTS (
            SELECT FROM
                jsonb_each_text(convert_from(envelope, 'UTF8')::jsonb -> 'versions') AS given
            WHERE given.value = %(version)s::text AND given.key = coalesce(%(field)s, given.key)
        )
    """),
    "start": SQL("minute >= date_trunc('minute', %(start)s::timestamptz)"),
    "end": SQL("minute <= %(end)s"),
    "before": SQL("position < %(before)s"),
}
SELECT_SQL = SQL("SELECT position, envelope FROM integrations.accesses WHERE ")
PAGE_SQL = SQL(" ORDER BY position DESC LIMIT %(limit)s")
ALL_SQL = SQL(" ORDER BY position")


class AccessFilter(Struct, frozen=True, kw_only=True):
    """Which records match, None for any; `start` and `end` are UTC, and count by the minute.

    `version` is that of the secret `field`, or of any. A page has records before the position
    `before`.
    """

    workspace: str | None = None
    integration: str | None = None
    actor: str | None = None
    field: str | None = None
    version: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: int | None = None


class RecordedAccess(Struct, frozen=True):
    """A record of the journal, and its position."""

    position: int
    access: Access


class AccessViews:
    """Reads over a pool of connections of the role for reading the past."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, workspace: str, wanted: AccessFilter, limit: int) -> list[RecordedAccess]:
        """Return at most *limit* of the records of *workspace* that match.

        Raises:
            UnavailableError: the database is away or busy.
        """
        selection = replace(wanted, workspace=workspace)
        with translate_unavailable():
            return await fetch_in_workspace(
                self._pool,
                workspace,
                records_query(selection, PAGE_SQL),
                {**asdict(selection), "limit": limit},
                args_row(recorded_access),
            )


def read_all(connection: Connection[TupleRow], wanted: AccessFilter) -> Iterator[RecordedAccess]:
    """Yield all records that match, oldest first, of all workspaces if *wanted* names none."""
    with connection.transaction(), connection.cursor("accesses") as cursor:
        cursor.execute(records_query(wanted, ALL_SQL), asdict(wanted))
        for row in cursor:
            yield recorded_access(*row)


def records_query(wanted: AccessFilter, order: SQL) -> Composed:
    """Return the query for the records that match, in *order*."""
    known = {"workspace": SQL("workspace_id = %(workspace)s"), **CONDITIONS}
    conditions = [text for name, text in known.items() if getattr(wanted, name) is not None]
    return SELECT_SQL + SQL(" AND ").join(conditions or [SQL("true")]) + order


def recorded_access(position: int, envelope: bytes) -> RecordedAccess:
    """Return the record of a row."""
    return RecordedAccess(position, decode_access(envelope))
