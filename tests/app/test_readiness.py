"""Ready means: the database answers, has our migrations, and the log can be read."""

import pytest
from psycopg import AsyncConnection, Connection
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.database.availability import UnavailableError
from app.readiness import Readiness

Pool = AsyncConnectionPool[AsyncConnection]


async def test_a_migrated_database_is_ready(commands: Pool) -> None:
    assert await Readiness(commands).checks() == {
        "database": True,
        "migrations": True,
        "log": True,
    }


async def test_a_database_that_lacks_a_migration_is_not(
    commands: Pool, admin: Connection[TupleRow]
) -> None:
    admin.execute("DELETE FROM integrations.migrations WHERE name = '0001_event_log.sql'")
    assert (await Readiness(commands).checks())["migrations"] is False


async def test_a_database_that_is_further_already_is_ready(
    commands: Pool, admin: Connection[TupleRow]
) -> None:
    admin.execute("INSERT INTO integrations.migrations (name, sha256) VALUES ('9999.sql', '')")
    assert (await Readiness(commands).checks())["migrations"] is True


async def test_a_database_that_is_away_is_unavailable(commands: Pool) -> None:
    await commands.close()
    with pytest.raises(UnavailableError):
        await Readiness(commands).checks()


async def test_a_log_that_cannot_be_read_is_not_called_ready(
    commands: Pool, admin: Connection[TupleRow]
) -> None:
    admin.execute("REVOKE EXECUTE ON FUNCTION integrations.head() FROM integrations_command")
    with pytest.raises(InsufficientPrivilege):
        await Readiness(commands).checks()
