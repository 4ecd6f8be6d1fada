"""Reads the defaults of a workspace's channels, and whether what is chosen can be used now."""

from collections.abc import Sequence
from typing import Literal, LiteralString

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool

from app.database.availability import translate_unavailable
from app.database.row_level_security import fetch_in_workspace
from projections.channel_default_view import ChannelDefaultRow

State = Literal["ok", "inactive", "deleted"]
# The columns of one view in their order, and then of the other whether the integration is on.
DEFAULTS_SQL = """
SELECT chosen.*, integration.is_active
FROM integrations.channel_default_view AS chosen
LEFT JOIN integrations.integration_view AS integration
    ON integration.workspace_id = chosen.workspace_id AND integration.id = chosen.integration_id
WHERE chosen.workspace_id = %s
ORDER BY chosen.id
"""
IS_DEFAULT_SQL = """
SELECT FROM integrations.channel_default_view WHERE workspace_id = %s AND integration_id = %s
"""


class ChosenDefault(Struct, frozen=True):
    """The default of a channel, and the state of the integration that is chosen."""

    row: ChannelDefaultRow
    state: State


def state_of(is_active: bool | None) -> State:  # noqa: FBT001 — the state itself
    """Return the state of an integration that is on, off, or not there (None)."""
    if is_active is None:
        return "deleted"
    return "ok" if is_active else "inactive"


class ChannelDefaultViews:
    """Reads over a pool of the role for queries."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool

    async def all(self, workspace: str) -> list[ChosenDefault]:
        """Return the defaults of *workspace*, by channel; none where none is chosen.

        Raises:
            UnavailableError: the database is away or busy.
        """
        rows = await self._rows(workspace, DEFAULTS_SQL, (workspace,))
        return [
            ChosenDefault(ChannelDefaultRow(*row), state_of(is_active)) for *row, is_active in rows
        ]

    async def includes(self, workspace: str, integration: str) -> bool:
        """Return whether *integration* is the default of a channel.

        Raises:
            UnavailableError: the database is away or busy.
        """
        return bool(await self._rows(workspace, IS_DEFAULT_SQL, (workspace, integration)))

    async def _rows(
        self, workspace: str, query: LiteralString, parameters: Sequence[str]
    ) -> list[TupleRow]:
        with translate_unavailable():
            return await fetch_in_workspace(self._pool, workspace, query, parameters, tuple_row)
