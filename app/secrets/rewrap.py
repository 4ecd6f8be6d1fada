"""Rewraps the keys of all secrets under the current KEK, while the service runs.

Secrets, commitments and events stay as they are. Each batch is a transaction of its own; killed at
any point, what is done is done, and the next run continues with what is left.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import LiteralString

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import class_row

from app.database.connection import acting_as
from app.secrets.errors import DecryptionError, SecretsError, UnknownKekError, UnsealError
from app.secrets.keyring import Keyring, ManagedKeyring, WrappedKey, current_kek
from app.secrets.sealing import secret_aad
from app.secrets.secret import Secret

BATCH_SIZE = 500  # rows; their locks are held for the milliseconds of one statement
COUNT_REMAINING_SQL: LiteralString = (
    "SELECT count(*) FROM integrations.secret_store WHERE kek <> %s"
)
NEXT_BATCH_SQL: LiteralString = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key
FROM integrations.secret_store
WHERE kek <> %s AND (workspace_id, stream, field, version) > (%s, %s, %s, %s)
ORDER BY workspace_id, stream, field, version LIMIT %s
"""
# Only rows that still are as they were read; a concurrent change or deletion wins. Rows that
# somebody holds are left for the next run: we wait for nobody, so there can be no deadlock.
UPDATE_KEYS_SQL: LiteralString = """
WITH given AS (
    SELECT * FROM unnest(
        %s::text[], %s::text[], %s::text[], %s::integer[],
        %s::text[], %s::bytea[], %s::text[], %s::bytea[]
    ) AS given (workspace_id, stream, field, version, kek, wrapped_key, new_kek, new_wrapped_key)
), held AS MATERIALIZED (
    SELECT workspace_id, stream, field, version, new_kek, new_wrapped_key
    FROM integrations.secret_store AS stored
    JOIN given USING (workspace_id, stream, field, version)
    WHERE stored.kek = given.kek AND stored.wrapped_key = given.wrapped_key
    FOR UPDATE OF stored SKIP LOCKED
)
UPDATE integrations.secret_store AS stored SET kek = new_kek, wrapped_key = new_wrapped_key
FROM held
WHERE (stored.workspace_id, stored.stream, stored.field, stored.version)
    = (held.workspace_id, held.stream, held.field, held.version)
"""


class StoredKey(Struct, frozen=True, kw_only=True):
    """The wrapped key of one secret; the first four name the secret."""

    workspace: str
    stream: str
    field: str
    version: int
    kek: str
    wrapped_key: bytes

    @property
    def aad(self) -> bytes:
        """What the wrapped key is bound to."""
        return secret_aad(self.workspace, self.stream, self.field, self.version)

    def __repr__(self) -> str:
        return f"StoredKey({self.workspace!r}, {self.stream!r}, {self.field!r}, {self.version})"


class RewrapResult(Struct, frozen=True):
    """How many keys were rewrapped, did not open, and are not under the current KEK yet."""

    rewrapped: int
    failed: int
    remaining: int


async def rewrap(
    connection: AsyncConnection,
    keyring: ManagedKeyring,
    report: Callable[[str, int, int], None],
    on_failure: Callable[[UnsealError], None],
    former: Sequence[Keyring] = (),
) -> RewrapResult:
    """Rewrap what is not under the current KEK; call *on_failure* for each key that does not open.

    *report* gets the progress: the step, how many rows are done, how many there are. Keyrings
    that were in use before, *former*, open what *keyring* has no KEK for.

    Raises:
        UnavailableError: a KMS does not answer; what was done before stays done.
    """
    current = await current_kek(keyring)
    total = await count_remaining(connection, current)
    seen = rewrapped = failed = 0
    report("Rewrapping", 0, total)
    batch = await next_batch(connection, current, after=None)
    while batch:
        renewed = [await rewrap_key((keyring, *former), key, on_failure) for key in batch]
        pairs = [(key, new) for key, new in zip(batch, renewed, strict=True) if new is not None]
        failed += len(batch) - len(pairs)
        rewrapped += await update_rows(connection, pairs)
        seen += len(batch)
        report("Rewrapping", seen, max(total, seen))
        batch = await next_batch(connection, current, after=batch[-1])
    return RewrapResult(rewrapped, failed, await count_remaining(connection, current))


async def count_remaining(connection: AsyncConnection, current: str) -> int:
    """Return how many rows are not under the KEK *current*."""
    cursor = await connection.execute(COUNT_REMAINING_SQL, (current,))
    row = await cursor.fetchone()
    return row[0] if row else 0


async def next_batch(
    connection: AsyncConnection, current: str, after: StoredKey | None
) -> list[StoredKey]:
    """Return the next rows that are not under *current*, in the order of the primary key."""
    row_key = (
        (after.workspace, after.stream, after.field, after.version) if after else ("",) * 3 + (0,)
    )
    cursor = connection.cursor(row_factory=class_row(StoredKey))
    await cursor.execute(NEXT_BATCH_SQL, (current, *row_key, BATCH_SIZE), binary=True)
    return await cursor.fetchall()


async def rewrap_key(
    keyrings: Sequence[Keyring], stored: StoredKey, on_failure: Callable[[UnsealError], None]
) -> WrappedKey | None:
    """Return the key of *stored* wrapped by the first of *keyrings*, None if it does not open."""
    try:
        key = await open_stored_key(keyrings, stored)
    except UnsealError as error:
        on_failure(error)
        return None
    return await keyrings[0].wrap(key, stored.aad)


async def open_stored_key(keyrings: Sequence[Keyring], stored: StoredKey) -> Secret:
    """Return the key of *stored*, opened by the one of *keyrings* that has its KEK.

    Raises:
        UnsealError: none has it, or it does not open; says which secret's it is.
    """
    wrapped_key = WrappedKey(kek=stored.kek, wrapped=stored.wrapped_key)
    try:
        return await try_unwrap(keyrings, wrapped_key, stored.aad)
    except (UnknownKekError, DecryptionError) as reason:
        row_key = {"workspace": stored.workspace, "stream": stored.stream, "field": stored.field}
        raise UnsealError(**row_key, version=stored.version, reason=reason) from None


async def try_unwrap(keyrings: Sequence[Keyring], wrapped_key: WrappedKey, aad: bytes) -> Secret:
    """Return the key, opened by the one of *keyrings* that has its KEK; none is tried without."""
    for keyring in keyrings:
        with suppress(UnknownKekError):
            return await keyring.unwrap(wrapped_key, aad)
    raise UnknownKekError(wrapped_key.kek)


async def update_rows(
    connection: AsyncConnection, pairs: Sequence[tuple[StoredKey, WrappedKey]]
) -> int:
    """Put the new keys in place of the old ones; return how many rows still were as read."""
    columns = (
        [old.workspace for old, _ in pairs],
        [old.stream for old, _ in pairs],
        [old.field for old, _ in pairs],
        [old.version for old, _ in pairs],
        [old.kek for old, _ in pairs],
        [old.wrapped_key for old, _ in pairs],
        [new.kek for _, new in pairs],
        [new.wrapped for _, new in pairs],
    )
    cursor = await connection.execute(UPDATE_KEYS_SQL, columns)
    return cursor.rowcount


ROLE = "integrations_rewrap"  # sees keys of all workspaces, and not one ciphertext
COUNT_BY_KEK_SQL: LiteralString = "SELECT kek, count(*) FROM integrations.secret_store GROUP BY kek"
COUNT_UNDER_KEK_SQL: LiteralString = "SELECT count(*) FROM integrations.secret_store WHERE kek = %s"
CLOSE_KEK_SQL: LiteralString = """
INSERT INTO integrations.closed_keks (kek) VALUES (%s) ON CONFLICT DO NOTHING
"""


class KekInUseError(SecretsError):
    """Secrets are stored under the KEK."""

    def __init__(self, kek: str, rows: int) -> None:
        super().__init__(
            f"{rows:,} secrets are stored under {kek}: run integrations keys rewrap, and try again."
        )


async def rewrap_connection(dsn: str) -> AsyncConnection:
    """Return an autocommitting connection of the role that rewraps; to be closed."""
    return await AsyncConnection.connect(acting_as(dsn, ROLE), autocommit=True, prepare_threshold=0)


async def count_by_kek(connection: AsyncConnection) -> dict[str, int]:
    """Return how many secrets are stored under each KEK, those that have some."""
    cursor = await connection.execute(COUNT_BY_KEK_SQL)
    return {kek: rows async for kek, rows in cursor}


async def retire_kek_for_good(
    connection: AsyncConnection, kek: str, *, allow_stored: bool = False
) -> None:
    """Let nothing be stored under *kek* from now on; with *allow_stored* what is stored may stay.

    Whatever a worker has sealed under it and not stored yet is refused, and sealed again when the
    request is repeated: so a KEK that nothing uses stays so.

    Raises:
        KekInUseError: secrets are stored under it.
    """
    async with connection.transaction():
        # Nothing is stored meanwhile: every write of secrets takes this lock.
        await connection.execute("SELECT integrations.lock_log()")
        cursor = await connection.execute(COUNT_UNDER_KEK_SQL, (kek,))
        rows = await cursor.fetchone()
        if rows and rows[0] and not allow_stored:
            raise KekInUseError(kek, rows[0])
        await connection.execute(CLOSE_KEK_SQL, (kek,))
