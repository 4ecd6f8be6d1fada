"""Reads the rows of projections/integration_view.py."""

from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool

from app.log.postgres import unavailable_for_failures
from projections.integration_view import IntegrationRow

ONE = """
SELECT workspace_id, id, version, name, type, channel, is_active, sender_email, sender_name,
       sender_phone, vapid_public_key, created_at, updated_at
FROM integrations.integration_view WHERE workspace_id = %s AND id = %s
"""
ALL = """
SELECT workspace_id, id, version, name, type, channel, is_active, sender_email, sender_name,
       sender_phone, vapid_public_key, created_at, updated_at
FROM integrations.integration_view WHERE workspace_id = %s ORDER BY created_at, id
"""


class IntegrationViews:
    """Reads over a pool of connections of the role for queries."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.pool = pool

    async def one(self, workspace: str, integration: str) -> IntegrationRow | None:
        """Return the row of *integration*, None where the workspace has none such.

        Raises:
            UnavailableError: the database is away or busy.
        """
        rows = await self._rows(ONE, (workspace, integration))
        return rows[0] if rows else None

    async def all(self, workspace: str) -> list[IntegrationRow]:
        """Return the rows of all integrations of *workspace*, oldest first.

        Raises:
            UnavailableError: the database is away or busy.
        """
        return await self._rows(ALL, (workspace,))

    async def _rows(
        self, query: LiteralString, parameters: tuple[str, ...]
    ) -> list[IntegrationRow]:
        with unavailable_for_failures():
            async with self.pool.connection() as connection:
                cursor = connection.cursor(row_factory=args_row(IntegrationRow))
                await cursor.execute(query, parameters, binary=True)
                return await cursor.fetchall()
