"""Which stored keys open, and which integrations lose their secrets with a KEK."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import LiteralString

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import class_row

from app.secrets.errors import SecretsError, UnsealError
from app.secrets.keyring import Keyring
from app.secrets.rewrap import count_remaining, next_batch, open_stored_key

NO_KEK = ""  # no row is under it, so all rows are under others
LOST_SQL: LiteralString = """
SELECT secret.workspace_id AS workspace, stream AS id, name,
    array_agg(field ORDER BY field) AS fields
FROM integrations.secret_store AS secret
LEFT JOIN integrations.integration_view AS view
    ON (view.workspace_id, view.id) = (secret.workspace_id, secret.stream)
WHERE kek = %s
GROUP BY secret.workspace_id, stream, name ORDER BY secret.workspace_id, stream
"""


KNOWN_SQL: LiteralString = """
SELECT FROM integrations.closed_keks WHERE kek = %(kek)s
UNION ALL SELECT FROM integrations.installation_keys WHERE (kind, name) = ('KEK', %(kek)s)
UNION ALL (SELECT FROM integrations.secret_store WHERE kek = %(kek)s LIMIT 1)
"""

NAMES_SQL: LiteralString = """
SELECT kek FROM integrations.closed_keks
UNION SELECT name FROM integrations.installation_keys WHERE kind = 'KEK'
UNION SELECT kek FROM integrations.secret_store
ORDER BY 1
"""

GIVEN_UP_SQL: LiteralString = """
SELECT kek, count(*) FROM integrations.secret_store
WHERE kek IN (SELECT kek FROM integrations.closed_keks) GROUP BY kek ORDER BY kek
"""


class KeyCounts(Struct, frozen=True):
    """How many wrapped keys opened, and how many did not, by KEK."""

    opened: Counter[str]
    failed: Counter[str]


class LostSecrets(Struct, frozen=True):
    """An integration with secrets in `fields` under a KEK; `name` is None if no view has it."""

    workspace: str
    id: str
    name: str | None
    fields: Sequence[str]


async def open_all_keys(
    connection: AsyncConnection,
    keyring: Keyring,
    report: Callable[[str, int, int], None],
    on_failure: Callable[[UnsealError], None],
) -> KeyCounts:
    """Open the wrapped key of each stored secret, and forget it; no secret is opened.

    Raises:
        UnavailableError: a KMS does not answer.
    """
    counts = KeyCounts(Counter(), Counter())
    total = await count_remaining(connection, NO_KEK)
    seen, after = 0, None
    while batch := await next_batch(connection, NO_KEK, after):
        for stored in batch:
            try:
                await open_stored_key((keyring,), stored)
                counts.opened[stored.kek] += 1
            except UnsealError as error:
                on_failure(error)
                counts.failed[stored.kek] += 1
        seen, after = seen + len(batch), batch[-1]
        report("Opening", seen, max(total, seen))
    return counts


async def integrations_under(connection: AsyncConnection, kek: str) -> list[LostSecrets]:
    """Return the integrations with secrets under *kek*, which need new ones if it is lost.

    Raises:
        SecretsError: the installation never had it.
    """
    cursor = connection.cursor(row_factory=class_row(LostSecrets))
    await cursor.execute(LOST_SQL, (kek,))
    lost = await cursor.fetchall()
    if not lost:
        await require_known(connection, kek)
    return lost


async def count_given_up(connection: AsyncConnection) -> dict[str, int]:
    """Return how many secrets are stored under each KEK that was given up, those that have some."""
    return {kek: rows async for kek, rows in await connection.execute(GIVEN_UP_SQL)}


async def require_known(connection: AsyncConnection, kek: str) -> None:
    """Raise SecretsError unless the database knows *kek*, from its first use to its end."""
    cursor = await connection.execute(KNOWN_SQL, {"kek": kek})
    if await cursor.fetchone() is None:
        cursor = await connection.execute(NAMES_SQL)
        known = ", ".join(str(name) for (name,) in await cursor.fetchall())
        message = f"The database knows no key {kek}, but these: {known or 'none'}."
        raise SecretsError(message)
