"""How far the log is, how much of it no signed checkpoint covers yet, and whether it is signed."""

import asyncio
from collections.abc import Mapping
from time import monotonic

from psycopg.rows import tuple_row

from app.audit.checkpoint import WHOLE_LOG
from app.database.availability import UnavailableError, translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace
from app.event_store.idempotency import overdue_gauges

TIMEOUT = 1.0  # seconds; a scraper waits for little more
MAX_STALL = 60.0  # seconds in which an event waits and nothing is signed
LATEST_CHECKPOINT_SQL = """
SELECT size, extract(epoch FROM at)::float8 FROM integrations.audit_checkpoints
WHERE workspace_id = %s ORDER BY size DESC LIMIT 1
"""
HEAD_SQL = "SELECT integrations.head()"


async def database_gauges(pool: Pool) -> Mapping[str, float]:
    """Return what the database says of itself, of its log and of its stored responses."""
    gauges = await AuditLag(pool).gauges()
    if not gauges["integrations_database_up"]:
        return gauges
    return {**gauges, **await overdue_gauges(pool)}


class AuditLag:
    """Queries through *pool*, of the role for reading the past."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def gauges(self) -> Mapping[str, float]:
        """Return them by their names; that the database is away is one of them."""
        try:
            with translate_unavailable():
                async with asyncio.timeout(TIMEOUT):
                    return await self._measure()
        except (UnavailableError, TimeoutError):
            return {"integrations_database_up": 0}

    async def _measure(self) -> Mapping[str, float]:
        size, at, head = await self.signed_and_head()
        figures = {
            "integrations_database_up": 1,
            "integrations_log_position": head,
            "integrations_log_unsigned_events": head - size,
        }
        return (
            figures if at is None else figures | {"integrations_checkpoint_timestamp_seconds": at}
        )

    async def signed_and_head(self) -> tuple[int, float | None, int]:
        """Return up to which position the log is signed, since when, and how far it is."""
        signed = await fetch_in_workspace(
            self._pool, WHOLE_LOG, LATEST_CHECKPOINT_SQL, (WHOLE_LOG,), tuple_row
        )
        async with self._pool.connection() as connection:
            [(head,)] = await (await connection.execute(HEAD_SQL)).fetchall()
        # Queried last, the head is never before what was signed.
        size, at = signed[0] if signed else (0, None)
        return size, at, head


class SigningWatch:
    """Whether the log is being signed: `follower` runs here, and signs what is new.

    A process that only waits to follow sees by the database whether the one that does gets on.
    """

    def __init__(self, lag: AuditLag, max_stall: float = MAX_STALL) -> None:
        self.follower: asyncio.Future[None] | None = None
        self._lag = lag
        self._max_stall = max_stall
        self._signed = -1
        self._since: float | None = None

    async def is_signing(self) -> bool:
        """Return False if the follower has stopped, or nothing new was signed for too long.

        Raises:
            PoolTimeout, psycopg.OperationalError: the database does not answer.
        """
        if self.follower is not None and self.follower.done():
            return False
        signed, _, head = await self._lag.signed_and_head()
        if signed != self._signed or signed >= head:
            self._signed, self._since = signed, None
            return True
        # From when it was first seen: the look before may be long ago.
        self._since = self._since or monotonic()
        return monotonic() - self._since < self._max_stall
