"""Which KEKs the stored secrets need, and the promise that none will need one that goes."""

from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from app.secrets.errors import SecretsError

ROLE = "integrations_rewrap"  # sees keys of all workspaces, and not one ciphertext
ROWS: LiteralString = "SELECT kek, count(*) FROM integrations.secret_store GROUP BY kek"
ROWS_OF: LiteralString = "SELECT count(*) FROM integrations.secret_store WHERE kek = %s"
CLOSE: LiteralString = """
INSERT INTO integrations.closed_keks (kek) VALUES (%s) ON CONFLICT DO NOTHING
"""


class KekInUseError(SecretsError):
    """Secrets are stored under the KEK."""

    def __init__(self, kek: str, rows: int) -> None:
        super().__init__(
            f"{rows:,} secrets are stored under {kek}: run integrations keys rewrap, and try again."
        )


async def connect(dsn: str) -> AsyncConnection:
    """Return an autocommitting connection of the role that rewraps; to be closed."""
    conninfo = make_conninfo(dsn, options=f"-c role={ROLE}", application_name=ROLE)
    return await AsyncConnection.connect(conninfo, autocommit=True, prepare_threshold=0)


async def rows_by_kek(connection: AsyncConnection) -> dict[str, int]:
    """Return how many secrets are stored under each KEK, those that have some."""
    cursor = await connection.execute(ROWS)
    return {kek: rows async for kek, rows in cursor}


async def close_kek(connection: AsyncConnection, kek: str, *, lost: bool = False) -> None:
    """Let nothing be stored under *kek* from now on; with *lost* what is stored may stay.

    Whatever a worker has sealed under it and not stored yet is refused, and sealed anew when the
    request is repeated: so a KEK that nothing uses stays so.

    Raises:
        KekInUseError: secrets are stored under it.
    """
    async with connection.transaction():
        # Nothing is stored beside us: every write of secrets takes this lock.
        await connection.execute("SELECT integrations.lock_log()")
        cursor = await connection.execute(ROWS_OF, (kek,))
        rows = await cursor.fetchone()
        if rows and rows[0] and not lost:
            raise KekInUseError(kek, rows[0])
        await connection.execute(CLOSE, (kek,))
