"""Reads the rows of projections/history.py, newest first.

A page costs the same wherever it stands and however long the log is, under any filter. The one
exception: one integration's entries under a further filter are looked at one by one.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, TypeVar

from msgspec import Struct
from msgspec.structs import asdict
from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, class_row, tuple_row
from psycopg.sql import Composed
from psycopg_pool import AsyncConnectionPool

from app.database.walls import rows_within
from app.log.postgres import unavailable_for_failures
from app.views.numbering import (
    ALL,
    BETWEEN,
    ENTRIES,
    OF_ACTION,
    OF_BOTH,
    OF_RESOURCE,
    OF_USER,
    OF_WORKSPACE,
    ONE_BY_ONE,
    Numbering,
)
from app.views.numbers import Numbers
from projections.history import Action, HistoryRow

Row = TypeVar("Row")
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)  # no entry is older
NEWEST = datetime.max.replace(tzinfo=UTC)


class HistoryEntry(HistoryRow, frozen=True, kw_only=True):
    """A stored entry; `position` is that of its event in the log."""

    position: int


class HistoryFilter(Struct, frozen=True, kw_only=True):
    """Which entries count, None for any; `start` and `end` are UTC and both inclusive."""

    resource: str | None = None
    action: Action | None = None
    user: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    @property
    def has_dates(self) -> bool:
        """Whether only some time counts."""
        return self.start is not None or self.end is not None


class HistoryPage(Struct, frozen=True):
    """Some entries, newest first, and how many match in all."""

    entries: list[HistoryEntry]
    total: int


class HistoryViews:
    """Reads over a pool of connections of the role for queries."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.pool = pool

    async def page(
        self, workspace: str, wanted: HistoryFilter, offset: int, limit: int
    ) -> HistoryPage:
        """Return at most *limit* of the entries that are *wanted*, after the first *offset*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        numbering, parameters = numbering_for(wanted), parameters_of(workspace, wanted)
        query = numbering.sql(query_for(wanted))
        [found] = await self._rows(query, parameters, tuple_row)
        numbers = Numbers(*found)
        parameters["numbers"] = numbers.page(offset, limit)
        if not parameters["numbers"]:
            return HistoryPage([], numbers.total)
        entries = await self._rows(numbering.sql(ENTRIES), parameters, class_row(HistoryEntry))
        return HistoryPage(entries, numbers.total)

    async def knows(self, workspace: str, integration: str) -> bool:
        """Tell whether *integration* is, or was, in *workspace*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        everything = HistoryFilter(resource=integration)
        return (await self.page(workspace, everything, 0, 0)).total > 0

    async def _rows(
        self, query: Composed, parameters: dict[str, Any], shape: AsyncRowFactory[Row]
    ) -> list[Row]:
        with unavailable_for_failures():
            return await rows_within(self.pool, parameters["workspace"], query, parameters, shape)


def numbering_for(wanted: HistoryFilter) -> Numbering:
    """Return the shortest numbered list that holds all that is *wanted*."""
    if wanted.resource is not None:
        return OF_RESOURCE
    if wanted.user is not None:
        return OF_USER if wanted.action is None else OF_BOTH
    return OF_WORKSPACE if wanted.action is None else OF_ACTION


def query_for(wanted: HistoryFilter) -> LiteralString:
    """Return what finds the numbers of what is *wanted* in that list."""
    if wanted.resource is not None and (wanted.user or wanted.action):
        return ONE_BY_ONE
    return BETWEEN if wanted.has_dates else ALL


def parameters_of(workspace: str, wanted: HistoryFilter) -> dict[str, Any]:
    """Return the parameters of those queries; `before` is the last moment that does not count."""
    start = max(wanted.start or OLDEST, OLDEST)
    moments = {"before": start - timedelta(microseconds=1), "until": wanted.end or NEWEST}
    return {"workspace": workspace, **asdict(wanted), **moments}
