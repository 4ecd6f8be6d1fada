"""A closed KEK: what was sealed under it and is not stored yet cannot be stored any more."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from app.database.availability import UnavailableError
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from app.secrets.keyring_file import FileKeyring
from app.secrets.rewrap import KekInUseError, retire_kek_for_good, rewrap_connection
from app.secrets.sealing import SealedSecret, seal
from app.secrets.secret import Secret
from domain.integration import IntegrationCreated

Pool = Any  # that of tests/app/conftest.py
Admin = psycopg.Connection[Any]
WriteOf = Callable[..., Changeset]


@pytest.fixture
async def sealed(keyring: FileKeyring) -> SealedSecret:
    return await seal(
        keyring, workspace="demo", stream="int_1", field="apiKey", version=1, secret=Secret(b"key")
    )


@pytest.fixture
def write(write_of: WriteOf, created: IntegrationCreated, sealed: SealedSecret) -> Changeset:
    """What creating an integration with a secret leads to."""
    return write_of(created, sealed=[sealed])


async def test_nothing_is_stored_under_a_closed_kek_and_the_request_is_repeated(
    dsn: str,
    commands: Pool,
    admin: Admin,
    write: Changeset,
) -> None:
    async with await rewrap_connection(dsn) as connection:
        await retire_kek_for_good(connection, write.sealed[0].kek)
    log = PostgresEventLog(commands)

    with pytest.raises(UnavailableError):
        await log.append(write)

    assert admin.execute("SELECT count(*) FROM integrations.events").fetchone() == (0,)
    assert await log.append(replace(write, sealed=[])) == [1]  # without a secret it is recorded


async def test_who_was_quicker_to_store_keeps_the_kek_open(
    dsn: str,
    commands: Pool,
    admin: Admin,
    write: Changeset,
) -> None:
    """The writer is held between storing and committing; closing waits for it, and sees its row."""
    admin.execute("""
        CREATE FUNCTION integrations.linger() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
        CREATE TRIGGER linger AFTER INSERT ON integrations.secret_store
        FOR EACH ROW EXECUTE FUNCTION integrations.linger();
        GRANT EXECUTE ON FUNCTION integrations.linger() TO integrations_command;
    """)
    writing = asyncio.create_task(PostgresEventLog(commands).append(write))
    await asyncio.sleep(0.25)

    async with await rewrap_connection(dsn) as connection:
        with pytest.raises(KekInUseError):
            await retire_kek_for_good(connection, write.sealed[0].kek)

    assert await writing == [1]
