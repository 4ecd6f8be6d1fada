"""Reads the log as it is stored, for those who look back."""

from collections.abc import AsyncGenerator
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool

from app.database.row_level_security import rows_within
from app.log.envelopes import recorded_from
from app.log.postgres import unavailable_for_failures
from domain.recorded import Recorded

STREAM = """
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %s AND stream = %s AND position <= %s ORDER BY version
"""
WORKSPACE = """
SELECT position, envelope FROM integrations.events
WHERE workspace_id = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s
"""
BATCH = 500  # events: some milliseconds in which other requests wait
LAST_POSITION = 2**63 - 1


class LogReader:
    """Reads over a pool of connections of the role for looking back."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.pool = pool

    async def stream(
        self, workspace: str, stream: str, until: int = LAST_POSITION
    ) -> list[Recorded]:
        """Return the events of *stream* up to the position *until*, oldest first.

        Raises:
            UnavailableError: the database is away or busy.
        """
        return await self._read(workspace, STREAM, (stream, until))

    async def workspace(
        self, workspace: str, until: int = LAST_POSITION
    ) -> AsyncGenerator[Recorded]:
        """Yield the events of *workspace* up to the position *until*, in the order of the log.

        No more than a batch is in memory, and no connection is held between batches.

        Raises:
            UnavailableError: the database is away or busy.
        """
        after, full = 0, True
        while full:
            events = await self._read(workspace, WORKSPACE, (after, until, BATCH))
            for event in events:
                yield event
            full = len(events) == BATCH
            after = events[-1].position if full else until

    async def _read(
        self, workspace: str, query: LiteralString, parameters: tuple[str | int, ...]
    ) -> list[Recorded]:
        with unavailable_for_failures():
            shape = args_row(recorded_from)
            return await rows_within(self.pool, workspace, query, (workspace, *parameters), shape)
