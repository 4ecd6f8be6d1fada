"""Reads the entries of projections/history.py, newest first.

A page costs the same wherever it stands and however long the log is, under any filter. The one
exception: one integration's entries under a further filter are looked at one by one.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from msgspec import Struct
from msgspec.structs import asdict
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, tuple_row
from psycopg.sql import SQL, Composed
from psycopg_pool import AsyncConnectionPool

from app.database.availability import translate_unavailable
from app.database.row_level_security import fetch_in_workspace
from app.event_store.codec import decode_envelope, decode_recorded
from app.views.kept import kept_in
from app.views.numbering import (
    ALL,
    BETWEEN,
    BY_POSITION,
    ENTRIES,
    OF_ACTION,
    OF_BOTH,
    OF_RESOURCE,
    OF_USER,
    OF_WORKSPACE,
    Numbering,
)
from app.views.numbers import Numbers
from domain.envelope import Envelope
from projections.history import Action, HistoryEntry, action_of, entry_of

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)  # no entry is older
NEWEST = datetime.max.replace(tzinfo=UTC)
EVENTS = SQL("SELECT position, envelope FROM integrations.stream_events(%(resource)s)")


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

    @property
    def is_of_some(self) -> bool:
        """Whether only some of one integration's entries count."""
        return self.resource is not None and self != HistoryFilter(resource=self.resource)

    def matches(self, envelope: Envelope) -> bool:
        """Tell whether the entry of this event of the `resource` counts."""
        return (
            self.action in (None, action_of(envelope.event))
            and self.user in (None, envelope.origin.actor.sub)
            and (self.start is None or self.start <= envelope.at)
            and (self.end is None or envelope.at <= self.end)
        )


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
        parameters = parameters_of(workspace, wanted)
        numbering, numbers = numbering_for(wanted), await self._numbers(wanted, parameters)
        parameters["chosen"] = numbers.page(offset, limit)
        if not parameters["chosen"]:
            return HistoryPage([], numbers.total)
        found = await self._rows(numbering.sql(ENTRIES), parameters)
        return HistoryPage([entry_from(*row) for row in found], numbers.total)

    async def knows(self, workspace: str, integration: str) -> bool:
        """Tell whether *integration* is, or was, in *workspace*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        everything = HistoryFilter(resource=integration)
        return (await self.page(workspace, everything, 0, 0)).total > 0

    async def _numbers(self, wanted: HistoryFilter, parameters: dict[str, Any]) -> Numbers:
        if wanted.is_of_some:
            events = await self._rows(EVENTS, parameters)
            positions = [at for at, stored in events if wanted.matches(decode_envelope(stored))]
            return Numbers(0, 0, (), positions[::-1])
        query = numbering_for(wanted).sql(query_for(wanted))
        [found] = await self._rows(query, parameters)
        return Numbers(*found)

    async def _rows(self, query: SQL | Composed, parameters: dict[str, Any]) -> list[TupleRow]:
        with translate_unavailable():
            return await fetch_in_workspace(
                self.pool, parameters["workspace"], query, parameters, tuple_row
            )


def entry_from(position: int, envelope: bytes | None, entry: bytes) -> HistoryEntry:
    """Return the entry of the event that is stored at *position*.

    Raises:
        NoEventError: it is not there, or cannot be read.
    """
    return entry_of(decode_recorded(position, envelope or b""), *kept_in(entry))


def numbering_for(wanted: HistoryFilter) -> Numbering:
    """Return the shortest numbered list that holds all that is *wanted*."""
    if wanted.resource is not None:
        return BY_POSITION if wanted.is_of_some else OF_RESOURCE
    if wanted.user is not None:
        return OF_USER if wanted.action is None else OF_BOTH
    return OF_WORKSPACE if wanted.action is None else OF_ACTION


def query_for(wanted: HistoryFilter) -> LiteralString:
    """Return what finds the numbers of what is *wanted* in that list."""
    return BETWEEN if wanted.has_dates else ALL


def parameters_of(workspace: str, wanted: HistoryFilter) -> dict[str, Any]:
    """Return the parameters of those queries; `before` is the last moment that does not count."""
    start = max(wanted.start or OLDEST, OLDEST)
    moments = {"before": start - timedelta(microseconds=1), "until": wanted.end or NEWEST}
    return {"workspace": workspace, **asdict(wanted), **moments}
