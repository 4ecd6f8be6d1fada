"""Fingerprints of the keys of this installation: the database knows which keys are its own.

| kind | name | fingerprint |
|---|---|---|
| audit key | audit-key.pem | SHA-256 of the public key, hex |
| token key | token-key.pem | its RFC 7638 thumbprint, which is also its `kid` |
| lease key | lease-key.pem | the same |
| KEK | its id | a check value: 32 zero bytes wrapped under the KEK, base64 |

The first start of the service writes them (`app/installation.py`, which also compares them with
the files of a host); from then on no start makes a key of that kind. A command that changes a key
updates them, in the transaction that makes the change count, if there is one:

- `audit-key rotate`: `record_fingerprint` of the new key, in place of the one before (same name);
- `keys rotate`: `app.installation.record_current_kek`, right after the keyring has the new KEK;
- `keys remove`, also with `--lost`: nothing for a KEK, as those in `closed_keks` are not asked for;
- `keys remove --lost token-key.pem` (or lease-key.pem): `forget_fingerprint`; the next start makes
  another key;
- `keys rewrap` to another keyring: `app.installation.replace_keks`.

All functions take a connection that acts as integrations_rewrap; integrations_audit may read, too.
"""

from typing import Literal

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import class_row

KeyFile = Literal["audit key", "token key", "lease key"]
Kind = Literal[KeyFile, "KEK"]
SELECT_SQL = """
SELECT kind, name, fingerprint FROM integrations.installation_keys
WHERE kind <> 'KEK' OR name NOT IN (SELECT kek FROM integrations.closed_keks)
ORDER BY kind, at, name
"""
UPSERT_SQL = """
INSERT INTO integrations.installation_keys (kind, name, fingerprint) VALUES (%s, %s, %s)
ON CONFLICT ON CONSTRAINT installation_keys_name
DO UPDATE SET fingerprint = excluded.fingerprint, at = now()
"""
DELETE_SQL = "DELETE FROM integrations.installation_keys WHERE kind = %s AND name = %s"


class Fingerprint(Struct, frozen=True):
    """That the installation has the key *name*."""

    kind: Kind
    name: str
    fingerprint: str


async def read_fingerprints(connection: AsyncConnection) -> list[Fingerprint]:
    """Return the fingerprints of all keys but closed KEKs; none before the first start."""
    cursor = connection.cursor(row_factory=class_row(Fingerprint))
    await cursor.execute(SELECT_SQL)
    return await cursor.fetchall()


async def record_fingerprint(connection: AsyncConnection, key: Fingerprint) -> None:
    """Record *key*, in place of the one of its kind and name."""
    await connection.execute(UPSERT_SQL, (key.kind, key.name, key.fingerprint))


async def forget_fingerprint(connection: AsyncConnection, kind: Kind, name: str) -> bool:
    """Forget a key that is given up; return whether it was known."""
    return (await connection.execute(DELETE_SQL, (kind, name))).rowcount > 0
