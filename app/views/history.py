"""Reads the history from the event log, newest first.

An audit entry is a pure function of one stored event (projections/history.py), so there is nothing
here but the events of a workspace, found by the columns next to their bytes. Without a filter any
page costs the same, however long the log is: all events of a workspace are numbered by `sequence`
and those of one integration by `version`. A filter counts what matches in an index of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from psycopg.rows import TupleRow, tuple_row
from psycopg.sql import SQL, Composed

from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace
from app.event_store.codec import decode_recorded
from projections.history import Action, HistoryEntry, history_entry

WHOLE_WORKSPACE = SQL("FROM integrations.events WHERE workspace_id = %(workspace)s")
CONDITIONS = {
    "resource": SQL(" AND stream = %(resource)s"),
    "action": SQL(" AND action = %(action)s"),
    "actions": SQL(" AND action = ANY (%(actions)s)"),
    "user": SQL(" AND actor_id = %(user)s"),
    "start": SQL(" AND at >= %(start)s"),
    "end": SQL(" AND at <= %(end)s"),
}
NUMBERS: dict[tuple[str, ...], SQL] = {(): SQL("sequence"), ("resource",): SQL("version")}
"""What numbers all that match without a gap, by the filters that are set."""
TOTAL_BY_NUMBER_SQL = SQL("SELECT coalesce(max({number}), 0), 1, max({number}) {matches}")
PAGE_BY_NUMBER_SQL = SQL("""
SELECT position, envelope {matches} AND {number} <= %(last)s - %(offset)s
ORDER BY {number} DESC LIMIT %(limit)s
""")
COUNT_SQL = SQL("SELECT count(*), min(sequence), max(sequence) {matches}")
# An index alone is read for what is skipped; the events themselves are read for the page. Times are
# almost in the order of the log, so that there is little else between the first and the last match.
FILTERED_PAGE_SQL = SQL("""
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %(workspace)s AND sequence = ANY (ARRAY(
    SELECT sequence {matches} AND sequence BETWEEN %(first)s AND %(last)s
    ORDER BY sequence DESC OFFSET %(offset)s LIMIT %(limit)s
))
ORDER BY sequence DESC
""")


class HistoryFilter(Struct, frozen=True, kw_only=True):
    """Which entries match, None for any; `start` and `end` are UTC and both inclusive.

    `actions` are those of a type of resource.
    """

    resource: str | None = None
    action: Action | None = None
    actions: Sequence[Action] | None = None
    user: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class HistoryPage(Struct, frozen=True):
    """Some entries, newest first, and how many match in all."""

    entries: list[HistoryEntry]
    total: int


class HistoryViews:
    """Reads over a pool of connections of the role for reading the past."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def page(
        self, workspace: str, wanted: HistoryFilter, offset: int, limit: int
    ) -> HistoryPage:
        """Return at most *limit* of the entries that match, after the first *offset*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        total_query, page_query = history_queries(wanted)
        parameters = {"workspace": workspace, **asdict(wanted), "offset": offset, "limit": limit}
        [(total, first, last)] = await self._rows(total_query, parameters)
        if offset >= total or limit == 0:
            return HistoryPage([], total)
        rows = await self._rows(page_query, {**parameters, "first": first, "last": last})
        return HistoryPage([history_entry(decode_recorded(*row)) for row in rows], total)

    async def exists(self, workspace: str, integration: str) -> bool:
        """Return whether *integration* is, or was, in *workspace*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        return (await self.page(workspace, HistoryFilter(resource=integration), 0, 0)).total > 0

    async def _rows(self, query: Composed, parameters: dict[str, Any]) -> list[TupleRow]:
        with translate_unavailable():
            return await fetch_in_workspace(
                self.pool, parameters["workspace"], query, parameters, tuple_row
            )


def history_queries(wanted: HistoryFilter) -> tuple[Composed, Composed]:
    """Return what counts the events that match, with their ends, and what reads a page of them."""
    names = tuple(name for name in CONDITIONS if getattr(wanted, name) is not None)
    matches = WHOLE_WORKSPACE + SQL("").join(CONDITIONS[name] for name in names)
    if (number := NUMBERS.get(names)) is None:
        return COUNT_SQL.format(matches=matches), FILTERED_PAGE_SQL.format(matches=matches)
    parts = {"matches": matches, "number": number}
    return TOTAL_BY_NUMBER_SQL.format(**parts), PAGE_BY_NUMBER_SQL.format(**parts)
