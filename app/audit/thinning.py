"""Lets checkpoints go: of each day that is over, the last of each tree stays (docs/audit.md).

Nothing is proved the less: a later checkpoint holds all that an earlier one held, proofs are made
from the tree for any size, and who keeps one outside needs no copy of it here.
"""

from time import monotonic

from psycopg import AsyncConnection

EVERY = 3600.0  # seconds
AT_ONCE = 10_000  # rows; what is more goes after the next look at the log, which must not wait
# The same rule as that of the trigger of migration 0010, which refuses all else.
THIN = """
DELETE FROM integrations.audit_checkpoints WHERE (workspace_id, size) IN (
    SELECT workspace_id, size FROM (
        SELECT workspace_id, size, at, lead(at) OVER tree AS next
        FROM integrations.audit_checkpoints WINDOW tree AS (PARTITION BY workspace_id ORDER BY size)
    ) AS signed
    WHERE at < now() - interval '24 hours'
        AND (at AT TIME ZONE 'UTC')::date = (next AT TIME ZONE 'UTC')::date
    LIMIT %s
)
"""


class Thinning:
    """Knows when checkpoints are to be let go again; mutable."""

    def __init__(self) -> None:
        self._due = 0.0

    async def go_on(self, connection: AsyncConnection) -> None:
        """Let some go if it is time."""
        if monotonic() >= self._due and await thin(connection) < AT_ONCE:
            self._due = monotonic() + EVERY


async def thin(connection: AsyncConnection) -> int:
    """Let checkpoints go, a bounded number; return how many."""
    return (await connection.execute(THIN, (AT_ONCE,))).rowcount
