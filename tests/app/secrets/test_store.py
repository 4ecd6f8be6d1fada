"""Stored secrets, read back from a real database and opened."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from app.secrets.errors import UnsealError
from app.secrets.keyring_file import FileKeyring, new_kek
from app.secrets.sealing import SealedSecret, seal
from app.secrets.secret import Secret
from app.secrets.store import SecretStore
from domain.integration import IntegrationCreated

WriteOf = Callable[..., Changeset]


@pytest.fixture
async def sealed(keyring: FileKeyring) -> SealedSecret:
    return await seal(
        keyring,
        workspace="demo",
        stream="int_1",
        field="apiKey",
        version=1,
        secret=Secret(b"the key"),
    )


@pytest.fixture
async def store(
    commands: Pool,
    keyring: FileKeyring,
    write_of: WriteOf,
    created: IntegrationCreated,
    sealed: SealedSecret,
) -> SecretStore:
    """A store with the secret of one integration."""
    await PostgresEventLog(commands).append(write_of(created, sealed=[sealed]))
    return SecretStore(commands, keyring)


async def test_what_was_sealed_is_opened(store: SecretStore, sealed: SealedSecret) -> None:
    opened = await store.unseal("demo", "int_1", [sealed.credential])

    assert {name: secret.reveal() for name, secret in opened.items()} == {"apiKey": b"the key"}


async def test_nothing_wanted_opens_nothing(store: SecretStore) -> None:
    assert await store.unseal("demo", "int_1", []) == {}


@pytest.mark.parametrize(
    ("workspace", "stream", "version"),
    [("other", "int_1", 1), ("demo", "int_2", 1), ("demo", "int_1", 2)],
)
async def test_what_is_not_there_is_named(
    store: SecretStore, sealed: SealedSecret, workspace: str, stream: str, version: int
) -> None:
    wanted = replace(sealed.credential, version=version)

    with pytest.raises(UnsealError) as raised:
        await store.unseal(workspace, stream, [wanted])

    error = raised.value
    place = (error.workspace, error.stream, error.field, error.version)
    assert place == (workspace, stream, "apiKey", version)


async def test_a_row_that_opens_but_is_not_the_recorded_one_is_refused(
    store: SecretStore, sealed: SealedSecret
) -> None:
    """An older row with the same version, put back from a backup, is such a one."""
    wanted = replace(sealed.credential, commitment="0" * 64)

    with pytest.raises(UnsealError, match="is not the one that was recorded"):
        await store.unseal("demo", "int_1", [wanted])


@pytest.mark.usefixtures("store")
async def test_without_its_kek_nothing_opens(commands: Pool, sealed: SealedSecret) -> None:
    other = SecretStore(commands, FileKeyring([new_kek(epoch=2)]))

    with pytest.raises(UnsealError, match="not in the keyring"):
        await other.unseal("demo", "int_1", [sealed.credential])


async def test_a_database_that_is_away_is_unavailable(
    store: SecretStore, commands: Pool, sealed: SealedSecret
) -> None:
    await commands.close()

    with pytest.raises(UnavailableError):
        await store.unseal("demo", "int_1", [sealed.credential])
