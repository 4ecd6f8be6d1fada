"""Can requests be served? Asks the database, whether it has our migrations, and the log."""

from collections.abc import Mapping

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.database.availability import translate_unavailable
from app.database.migrate import migration_names

APPLIED = "SELECT name FROM integrations.migrations"
HEAD = "SELECT integrations.head()"


class Readiness:
    """Asks through the pool for commands, as whoever can write can also read."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.pool = pool

    async def checks(self) -> Mapping[str, bool]:
        """Return each check and whether it holds.

        Raises:
            UnavailableError: the database is away or busy.
        """
        with translate_unavailable():
            async with self.pool.connection() as connection:
                cursor = await connection.execute(APPLIED)
                applied = {name for (name,) in await cursor.fetchall()}
                await connection.execute(HEAD)
        migrated = migration_names() <= applied
        return {"database": True, "migrations": migrated, "log": True}
