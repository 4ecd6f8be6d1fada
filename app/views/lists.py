"""Reads lists of integrations, page by page, by number or from a key on."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, args_row, tuple_row
from psycopg_pool import AsyncConnectionPool

from app.database.availability import translate_unavailable
from app.database.row_level_security import fetch_in_workspace
from app.views.anchors import Anchors
from app.views.listing import (
    Key,
    Order,
    Selection,
    Slice,
    Statement,
    count_statement,
    key_of,
    rows_statement,
)
from projections.integration_view import IntegrationRow


class Page(Struct, frozen=True):
    """Some integrations, how many match in all, and after which key more of them follow."""

    rows: Sequence[IntegrationRow]
    total: int
    next: Key | None


class IntegrationLists:
    """Reads over a pool of connections of the role for queries.

    A page from a key on costs the same however many integrations there are, and so does a page
    by number that has been asked for since the workspace last changed.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.pool = pool
        self.anchors = Anchors()

    async def after(self, selection: Selection, order: Order, key: Key | None, limit: int) -> Page:
        """Return *limit* of what matches, from after *key* on; from the start where it is None.

        Raises:
            UnavailableError: the database is away or busy.
        """
        total, _ = await self._count(selection)
        rows = await self._rows(selection, order, Slice(limit=limit + 1, after=key))
        return page_of(rows, total, order, limit)

    async def numbered(self, selection: Selection, order: Order, number: int, limit: int) -> Page:
        """Return the page *number*, from 1, of pages of *limit*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        total, state = await self._count(selection)
        start = (number - 1) * limit
        if start >= total:
            return Page([], total, None)
        rows = await self._rows_from(selection, order, state, start, limit + 1)
        page = page_of(rows, total, order, limit)
        if page.next is not None:
            self.anchors.remember(selection, order, state, (start + limit, page.next))
        return page

    async def everything(self, selection: Selection, order: Order) -> Page:
        """Return all that matches.

        Raises:
            UnavailableError: the database is away or busy.
        """
        rows = await self._rows(selection, order, Slice())
        return Page(rows, len(rows), None)

    async def _rows_from(
        self, selection: Selection, order: Order, state: int, start: int, limit: int
    ) -> list[IntegrationRow]:
        known, key = self.anchors.nearest(selection, order, state, start)
        if known == start:
            return await self._rows(selection, order, Slice(limit=limit, after=key))
        # One row more in front: the page's own place, so that it need not be counted to again.
        part = Slice(limit=limit + 1, after=key, skip=start - known - 1)
        rows = await self._rows(selection, order, part)
        if rows:
            self.anchors.remember(selection, order, state, (start, key_of(rows[0], order)))
        return rows[1:]

    async def _count(self, selection: Selection) -> tuple[int, int]:
        statement = count_statement(selection)
        [(total, state)] = await self._ask(selection.workspace, statement, tuple_row)
        return total, state or 0

    async def _rows(self, selection: Selection, order: Order, part: Slice) -> list[IntegrationRow]:
        statement = rows_statement(selection, order, part)
        return await self._ask(selection.workspace, statement, args_row(IntegrationRow))

    async def _ask(
        self, workspace: str, statement: Statement, shape: AsyncRowFactory[Any]
    ) -> list[Any]:
        with translate_unavailable():
            return await fetch_in_workspace(self.pool, workspace, *statement, shape)


def page_of(rows: list[IntegrationRow], total: int, order: Order, limit: int) -> Page:
    """Return the page of the first *limit* of *rows*, of which one more was asked for."""
    more = len(rows) > limit
    return Page(rows[:limit], total, key_of(rows[limit - 1], order) if more else None)
