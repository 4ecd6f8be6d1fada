"""Rewrapping while the service runs: nothing is lost, nothing else changes, nobody waits."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import class_row

from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from app.secrets import rewrap as rewrap_module
from app.secrets.errors import UnsealError
from app.secrets.keyring import ManagedKeyring, current_kek
from app.secrets.keyring_file import FileKeyring, open_file_keyring
from app.secrets.reloading_keyring import ReloadingKeyring
from app.secrets.rewrap import (
    KekInUseError,
    RewrapResult,
    count_by_kek,
    retire_kek_for_good,
    rewrap,
    rewrap_connection,
)
from app.secrets.sealing import SealedSecret, seal, unseal
from app.secrets.secret import Secret
from domain.integration import IntegrationCreated
from tests.support.waiting import lock_waits, until

Open = Callable[[], ManagedKeyring]
Admin = psycopg.Connection[Any]
ROOT = Path(__file__).parents[3]
ALL = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key, nonce, ciphertext
FROM integrations.secret_store ORDER BY workspace_id, stream
"""
INSERT = """
INSERT INTO integrations.secret_store
(workspace_id, stream, field, version, kek, wrapped_key, nonce, ciphertext)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[AsyncConnection]:
    """The role that rewraps."""
    async with await rewrap_connection(dsn) as connection:
        yield connection


async def fill(admin: Admin, keyring: ManagedKeyring, rows: int) -> list[SealedSecret]:
    """Store *rows* secrets, each `secret of <its integration>`."""
    sealed = [
        await seal(
            keyring, workspace=f"w{number % 3}", stream=f"int_{number:05}", field="apiKey",
            version=1, secret=Secret(f"secret of int_{number:05}".encode()),
        )
        for number in range(rows)
    ]  # fmt: skip
    rows_ = [
        (s.workspace, s.stream, s.field, s.version, s.kek, s.wrapped_key, s.nonce, s.ciphertext)
        for s in sealed
    ]
    with admin.cursor() as cursor:
        cursor.executemany(INSERT, rows_)
    return stored(admin)


def stored(admin: Admin) -> list[SealedSecret]:
    cursor = admin.cursor(row_factory=class_row(SealedSecret))
    return cursor.execute(ALL).fetchall()


async def require_all_open(keyring: ManagedKeyring, rows: Sequence[SealedSecret]) -> None:
    for row in rows:
        assert await unseal(keyring, row) == Secret(f"secret of {row.stream}".encode())


def quiet(*_: object) -> None:
    """Be told, and say nothing."""


# ----- What it does -----
async def test_all_keys_are_under_the_current_kek_and_all_else_is_as_before(
    open_keyring: Open, admin: Admin, connection: AsyncConnection
) -> None:
    keyring = open_keyring()
    before = await fill(admin, keyring, 7)
    current = await keyring.rotate()
    assert await rewrap(connection, keyring, quiet, quiet) == RewrapResult(7, 0, 0)
    after = stored(admin)
    assert {row.kek for row in after} == {current}
    assert [(r.aad, r.nonce, r.ciphertext, r.credential.commitment) for r in before] == [
        (r.aad, r.nonce, r.ciphertext, r.credential.commitment) for r in after
    ]
    await require_all_open(keyring, after)
    assert await count_by_kek(connection) == {current: 7}


async def test_again_it_has_nothing_to_do(
    open_keyring: Open, admin: Admin, connection: AsyncConnection
) -> None:
    keyring = open_keyring()
    before = await fill(admin, keyring, 3)
    assert await rewrap(connection, keyring, quiet, quiet) == RewrapResult(0, 0, 0)
    assert stored(admin) == before


async def test_from_a_former_keyring_all_keys_move_to_the_one_that_is_set(
    open_vault: Open, keyring: ReloadingKeyring, admin: Admin, connection: AsyncConnection
) -> None:
    await fill(admin, keyring, 3)
    vault = open_vault()
    assert await rewrap(connection, vault, quiet, quiet) == RewrapResult(0, 3, 3)
    assert await rewrap(connection, vault, quiet, quiet, [keyring]) == RewrapResult(3, 0, 0)
    await require_all_open(vault, stored(admin))
    assert await rewrap(connection, keyring, quiet, quiet, [vault]) == RewrapResult(3, 0, 0)
    await require_all_open(keyring, stored(admin))


@pytest.fixture
def keyring(tmp_path: Path) -> ReloadingKeyring:
    open_file_keyring(tmp_path / "keyring.json")
    return ReloadingKeyring(tmp_path / "keyring.json")


async def test_it_works_in_batches_and_reports_its_progress(
    keyring: ReloadingKeyring,
    admin: Admin,
    connection: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rewrap_module, "BATCH_SIZE", 4)
    await fill(admin, keyring, 10)
    await keyring.rotate()
    told: list[tuple[int, int]] = []
    await rewrap(connection, keyring, lambda _, done, total: told.append((done, total)), quiet)
    assert told == [(0, 10), (4, 10), (8, 10), (10, 10)]
    await require_all_open(keyring, stored(admin))


# ----- What others do meanwhile -----
class Meddled(ReloadingKeyring):
    """A keyring during whose wrapping something happens in the database."""

    meddle: Callable[[], object] | None = None

    async def wrap(self, key: Secret, aad: bytes) -> Any:
        if self.meddle:
            self.meddle()
        return await super().wrap(key, aad)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM integrations.secret_store WHERE stream = 'int_00001'",
        "UPDATE integrations.secret_store SET version = 2 WHERE stream = 'int_00001'",
        "UPDATE integrations.secret_store SET wrapped_key = 'new' WHERE stream = 'int_00001'",
    ],
)
async def test_who_replaces_or_deletes_a_secret_meanwhile_wins(
    tmp_path: Path, admin: Admin, connection: AsyncConnection, change: str
) -> None:
    open_file_keyring(tmp_path / "keyring.json")
    keyring = Meddled(tmp_path / "keyring.json")
    await fill(admin, keyring, 3)
    await keyring.rotate()
    seen: list[list[SealedSecret]] = []

    def meddle() -> None:
        if not seen:
            admin.execute(change.encode())
            seen.append([row for row in stored(admin) if row.stream == "int_00001"])

    keyring.meddle = meddle
    done = await rewrap(connection, keyring, quiet, quiet)
    assert (done.rewrapped, done.failed) == (2, 0)
    assert [row for row in stored(admin) if row.stream == "int_00001"] == seen[0]


async def test_a_secret_that_somebody_holds_is_left_and_nobody_waits(
    keyring: ReloadingKeyring, admin: Admin, connection: AsyncConnection, dsn: str
) -> None:
    await fill(admin, keyring, 3)
    await keyring.rotate()
    hold = "SELECT 1 FROM integrations.secret_store WHERE stream = 'int_00001' FOR UPDATE"
    with psycopg.connect(dsn) as holder:
        holder.execute(hold)
        async with asyncio.timeout(5):
            assert await rewrap(connection, keyring, quiet, quiet) == RewrapResult(2, 0, 1)
    assert await rewrap(connection, keyring, quiet, quiet) == RewrapResult(1, 0, 0)


REWRAP = """
import asyncio, sys
from pathlib import Path
from app.secrets import rewrap as module
from app.secrets.rewrap import rewrap_connection
from app.secrets.keyring_file import open_file_keyring
from app.secrets.reloading_keyring import ReloadingKeyring

async def main():
    module.BATCH_SIZE = 10
    async with await rewrap_connection(sys.argv[1]) as connection:
        keyring = ReloadingKeyring(Path(sys.argv[2]))
        tell = lambda _, done, __: print(done, flush=True)
        await module.rewrap(connection, keyring, tell, print)

asyncio.run(main())
"""


def killed_in_the_middle(*words: str) -> None:
    """Rewrap in a process, which is killed after some batches."""
    command = [sys.executable, "-c", REWRAP, *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(8):
            process.stdout.readline()
        process.kill()


async def test_killed_again_and_again_it_ends_with_all_rewrapped(
    keyring: ReloadingKeyring, tmp_path: Path, dsn: str, admin: Admin, connection: AsyncConnection
) -> None:
    await fill(admin, keyring, 600)
    current = await keyring.rotate()
    left = [600]
    for _ in range(3):
        killed_in_the_middle(dsn, str(tmp_path / "keyring.json"))
        left.append(600 - (await count_by_kek(connection)).get(current, 0))
        await require_all_open(keyring, stored(admin))
    assert left[3] < left[2] < left[1] < left[0]
    assert await rewrap(connection, keyring, quiet, quiet) == RewrapResult(left[-1], 0, 0)
    await require_all_open(keyring, stored(admin))


# ----- What does not open -----
async def test_a_row_that_does_not_open_is_named_and_skipped(
    open_keyring: Open, admin: Admin, connection: AsyncConnection
) -> None:
    keyring = open_keyring()
    await fill(admin, keyring, 5)
    admin.execute(
        "UPDATE integrations.secret_store SET wrapped_key = 'x' WHERE stream = 'int_00001'"
    )
    admin.execute("UPDATE integrations.secret_store SET kek = 'gone' WHERE stream = 'int_00003'")
    await keyring.rotate()
    complaints: list[UnsealError] = []
    assert await rewrap(connection, keyring, quiet, complaints.append) == RewrapResult(3, 2, 2)
    assert [(error.workspace, error.stream) for error in complaints] == [
        ("w0", "int_00003"),
        ("w1", "int_00001"),
    ]


async def test_a_row_of_another_place_is_named_and_never_opened(
    open_keyring: Open, admin: Admin, connection: AsyncConnection
) -> None:
    keyring = open_keyring()
    await fill(admin, keyring, 3)
    admin.execute("UPDATE integrations.secret_store SET workspace_id = 'thief' WHERE version = 1")
    await keyring.rotate()
    complaints: list[UnsealError] = []
    assert await rewrap(connection, keyring, quiet, complaints.append) == RewrapResult(0, 3, 3)
    assert {error.workspace for error in complaints} == {"thief"}


async def test_a_kms_that_goes_away_ends_it_and_what_was_done_stays(
    open_vault: Open,
    transit: Any,
    admin: Admin,
    connection: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rewrap_module, "BATCH_SIZE", 2)
    keyring = open_vault()
    await fill(admin, keyring, 6)
    current = await keyring.rotate()

    def tell(_: str, done: int, __: int) -> None:
        if done == 4:
            transit.says = (503, b"")

    with pytest.raises(UnavailableError):
        await rewrap(connection, keyring, tell, quiet)
    assert (await count_by_kek(connection))[current] == 4
    transit.says = None
    assert await rewrap(connection, keyring, quiet, quiet) == RewrapResult(2, 0, 0)


# ----- Its rights -----
@pytest.mark.parametrize(
    "forbidden",
    [
        "SELECT ciphertext FROM integrations.secret_store",
        "SELECT nonce FROM integrations.secret_store",
        "UPDATE integrations.secret_store SET ciphertext = ''",
        "UPDATE integrations.secret_store SET workspace_id = 'mine'",
        "DELETE FROM integrations.secret_store",
        "INSERT INTO integrations.secret_store (workspace_id) VALUES ('mine')",
        "SELECT 1 FROM integrations.events",
        "SELECT sender_email FROM integrations.integration_view",
        "DELETE FROM integrations.closed_keks",
        "SELECT integrations.write_secrets('[]', '[]')",
    ],
)
async def test_the_role_that_rewraps_may_do_nothing_else(
    connection: AsyncConnection, forbidden: str
) -> None:
    with pytest.raises(InsufficientPrivilege):
        await connection.execute(forbidden.encode())


# ----- Closing -----
async def test_a_kek_in_use_is_not_closed(
    keyring: ReloadingKeyring, admin: Admin, connection: AsyncConnection
) -> None:
    await fill(admin, keyring, 2)
    with pytest.raises(KekInUseError, match="2 secrets are stored under kek-1-"):
        await retire_kek_for_good(connection, await current_kek(keyring))
    assert admin.execute("SELECT * FROM integrations.closed_keks").fetchall() == []


# ----- A closed KEK -----
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


async def test_a_writer_that_stores_first_keeps_the_kek_open(
    dsn: str,
    commands: Pool,
    admin: Admin,
    write: Changeset,
) -> None:
    """The writer is held between storing and committing; closing waits for it, and sees its row."""
    admin.execute("""
        CREATE FUNCTION integrations.linger() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
        CREATE TRIGGER linger AFTER INSERT ON integrations.secret_store
        FOR EACH ROW EXECUTE FUNCTION integrations.linger();
        GRANT EXECUTE ON FUNCTION integrations.linger() TO integrations_command;
    """)
    admin.execute("SELECT pg_advisory_lock(1)")
    writing = asyncio.create_task(PostgresEventLog(commands).append(write))
    await until(lambda: lock_waits(admin) == 1)

    async with await rewrap_connection(dsn) as connection:
        closing = asyncio.create_task(retire_kek_for_good(connection, write.sealed[0].kek))
        await until(lambda: lock_waits(admin) == 2)
        admin.execute("SELECT pg_advisory_unlock(1)")
        with pytest.raises(KekInUseError):
            await closing

    assert await writing == [1]
