"""Reads the rows of projections/integration_view.py: one, all, or a page of a list.

One row and all rows are read in batches under load; a page is read by number or from a key on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from msgspec import Struct
from psycopg.rows import AsyncRowFactory, args_row, tuple_row

from app.batching import MAX_BATCH, Batcher
from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace
from app.views.anchors import Anchors
from app.views.list_queries import (
    Key,
    ListFilter,
    PageRequest,
    Query,
    SortOrder,
    count_query,
    rows_query,
    sort_key,
)
from projections.integration_view import IntegrationRow

# Their columns are the fields of IntegrationRow, in this order.
GET_MANY_SQL = "SELECT * FROM integrations.get_integrations(%s::text[], %s::text[])"
LIST_ALL_SQL = "SELECT * FROM integrations.list_integrations(%s::text[])"
MAX_CONCURRENCY = 2  # batches under way at once
MAX_LIST_BATCH = 32  # of one batch at most: each may be long
IntegrationKey = tuple[str, str]  # workspace, integration
Rows = Sequence[IntegrationRow]


class Page(Struct, frozen=True):
    """Some integrations, how many match in all, and after which key more of them follow."""

    rows: Sequence[IntegrationRow]
    total: int
    next: Key | None


class IntegrationViews:
    """Reads over a pool of the role for queries; a batch has at most *max_batch* queries."""

    def __init__(self, pool: Pool, *, max_batch: int = MAX_BATCH) -> None:
        self.pool = pool
        self.anchors = Anchors()
        self._one: Batcher[IntegrationKey, IntegrationRow | None] = Batcher(
            self._get_many, concurrency=MAX_CONCURRENCY, max_batch=max_batch
        )
        self._all: Batcher[str, Rows] = Batcher(
            self._list_many, concurrency=MAX_CONCURRENCY, max_batch=min(max_batch, MAX_LIST_BATCH)
        )

    @property
    def batchers(self) -> Mapping[str, Batcher[Any, Any]]:
        """The batchers, by name."""
        return {"gets": self._one, "lists": self._all}

    async def one(self, workspace: str, integration: str) -> IntegrationRow | None:
        """Return the row of *integration*, None if the workspace does not have it.

        Raises:
            UnavailableError: the database is away or busy.
        """
        with translate_unavailable():
            return await self._one.submit((workspace, integration))

    async def all(self, workspace: str) -> Rows:
        """Return the rows of all integrations of *workspace*, oldest first.

        Raises:
            UnavailableError: the database is away or busy.
        """
        with translate_unavailable():
            return await self._all.submit(workspace)

    async def page_after(
        self, selection: ListFilter, order: SortOrder, key: Key | None, limit: int
    ) -> Page:
        """Return *limit* of what matches, from after *key* on; from the start if it is None.

        Raises:
            UnavailableError: the database is away or busy.
        """
        total, _ = await self._count(selection)
        rows = await self._list_rows(selection, order, PageRequest(limit=limit + 1, after=key))
        return build_page(rows, total, order, limit)

    async def page_number(
        self, selection: ListFilter, order: SortOrder, number: int, limit: int
    ) -> Page:
        """Return the page *number*, from 1, of pages of *limit*.

        Raises:
            UnavailableError: the database is away or busy.
        """
        total, state = await self._count(selection)
        start = (number - 1) * limit
        if start >= total:
            return Page([], total, None)
        rows = await self._rows_from(selection, order, state, start, limit + 1)
        page = build_page(rows, total, order, limit)
        if page.next is not None:
            self.anchors.cache(selection, order, state, (start + limit, page.next))
        return page

    async def all_matching(self, selection: ListFilter, order: SortOrder) -> Page:
        """Return all that matches.

        Raises:
            UnavailableError: the database is away or busy.
        """
        rows = await self._list_rows(selection, order, PageRequest())
        return Page(rows, len(rows), None)

    async def _get_many(self, keys: Sequence[IntegrationKey]) -> list[IntegrationRow | None]:
        workspaces, integrations = zip(*keys, strict=True)
        rows = await self._rows(GET_MANY_SQL, ([*workspaces], [*integrations]))
        by_key = {(row.workspace_id, row.id): row for row in rows}
        return [by_key.get(key) for key in keys]

    async def _list_many(self, workspaces: Sequence[str]) -> list[Rows]:
        found: dict[str, list[IntegrationRow]] = {workspace: [] for workspace in workspaces}
        for row in await self._rows(LIST_ALL_SQL, ([*found],)):
            found[row.workspace_id].append(row)
        return [found[workspace] for workspace in workspaces]

    async def _rows(
        self, query: LiteralString, parameters: tuple[list[str], ...]
    ) -> list[IntegrationRow]:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(IntegrationRow))
            await cursor.execute(query, parameters, binary=True)
            return await cursor.fetchall()

    async def _rows_from(
        self, selection: ListFilter, order: SortOrder, state: int, start: int, limit: int
    ) -> list[IntegrationRow]:
        known, key = self.anchors.nearest(selection, order, state, start)
        if known == start:
            return await self._list_rows(selection, order, PageRequest(limit=limit, after=key))
        # One row more in front: the page's own anchor, so that it need not be counted to again.
        part = PageRequest(limit=limit + 1, after=key, skip=start - known - 1)
        rows = await self._list_rows(selection, order, part)
        if rows:
            self.anchors.cache(selection, order, state, (start, sort_key(rows[0], order)))
        return rows[1:]

    async def _count(self, selection: ListFilter) -> tuple[int, int]:
        statement = count_query(selection)
        [(total, state)] = await self._list_query(selection.workspace, statement, tuple_row)
        return total, state or 0

    async def _list_rows(
        self, selection: ListFilter, order: SortOrder, part: PageRequest
    ) -> list[IntegrationRow]:
        statement = rows_query(selection, order, part)
        return await self._list_query(selection.workspace, statement, args_row(IntegrationRow))

    async def _list_query(
        self, workspace: str, statement: Query, shape: AsyncRowFactory[Any]
    ) -> list[Any]:
        with translate_unavailable():
            return await fetch_in_workspace(self.pool, workspace, *statement, shape)


def build_page(rows: list[IntegrationRow], total: int, order: SortOrder, limit: int) -> Page:
    """Return the page of the first *limit* of *rows*, which hold one more if there is one."""
    more = len(rows) > limit
    return Page(rows[:limit], total, sort_key(rows[limit - 1], order) if more else None)
