"""Reads the rows of projections/integration_view.py, in batches under load."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool

from app.batching import MAX_BATCH, Batcher
from app.database.availability import translate_unavailable
from projections.integration_view import IntegrationRow

# Their columns are the fields of IntegrationRow, in this order.
MANY = "SELECT * FROM integrations.get_integrations(%s::text[], %s::text[])"
ALL = "SELECT * FROM integrations.list_integrations(%s::text[])"
LANES = 2  # batches under way at once
LISTS = 32  # of one batch at most: each may be long
Place = tuple[str, str]  # workspace, integration
Rows = Sequence[IntegrationRow]


class IntegrationViews:
    """Reads over a pool of connections of the role for queries, *together* questions at a time."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection], *, together: int = MAX_BATCH
    ) -> None:
        self.pool = pool
        self._one: Batcher[Place, IntegrationRow | None] = Batcher(
            self._look_up, concurrency=LANES, max_batch=together
        )
        self._all: Batcher[str, Rows] = Batcher(
            self._list, concurrency=LANES, max_batch=min(together, LISTS)
        )

    @property
    def batchers(self) -> Mapping[str, Batcher[Any, Any]]:
        """What asks in batches, by name."""
        return {"look_ups": self._one, "lists": self._all}

    async def one(self, workspace: str, integration: str) -> IntegrationRow | None:
        """Return the row of *integration*, None where the workspace has none such.

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

    async def _look_up(self, places: Sequence[Place]) -> list[IntegrationRow | None]:
        workspaces, integrations = zip(*places, strict=True)
        rows = await self._rows(MANY, ([*workspaces], [*integrations]))
        by_place = {(row.workspace_id, row.id): row for row in rows}
        return [by_place.get(place) for place in places]

    async def _list(self, workspaces: Sequence[str]) -> list[Rows]:
        found: dict[str, list[IntegrationRow]] = {workspace: [] for workspace in workspaces}
        for row in await self._rows(ALL, ([*found],)):
            found[row.workspace_id].append(row)
        return [found[workspace] for workspace in workspaces]

    async def _rows(
        self, query: LiteralString, parameters: tuple[list[str], ...]
    ) -> list[IntegrationRow]:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(IntegrationRow))
            await cursor.execute(query, parameters, binary=True)
            return await cursor.fetchall()
