"""Compares sealed secrets with the commitments in events: whether rows were changed or swapped.

Rewrapping touches neither nonce nor ciphertext, so it makes no difference here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from psycopg import AsyncConnection
from psycopg.rows import class_row

from app.audit.finding import Finding
from app.audit.stream_fold import SecretPlace, StreamFold
from app.secrets.sealing import SealedSecret

SECRETS = """
SELECT
    workspace_id AS workspace, stream, field, version, nonce, ciphertext,
    '' AS kek, ''::bytea AS wrapped_key
FROM integrations.secret_store
JOIN unnest(%s::text[], %s::text[]) AS wanted (workspace_id, stream) USING (workspace_id, stream)
"""
UNKNOWN_STREAM = """
SELECT stream FROM integrations.secret_store AS secret
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND NOT EXISTS (
    SELECT FROM integrations.events AS event
    WHERE event.workspace_id = secret.workspace_id AND event.stream = secret.stream
) LIMIT 1
"""
Commitments = dict[SecretPlace, str]


async def wrong_secrets(connection: AsyncConnection, folds: Sequence[StreamFold]) -> list[Finding]:
    """Return where the stored secrets of complete streams are not those that events tell of."""
    names = [fold.workspace for fold in folds], [fold.stream for fold in folds]
    cursor = connection.cursor(row_factory=class_row(SealedSecret))
    await cursor.execute(SECRETS, names, binary=True)
    stored: defaultdict[tuple[str, str], Commitments] = defaultdict(dict)
    for row in await cursor.fetchall():
        place = row.field, row.version
        stored[row.workspace, row.stream][place] = row.credential.commitment
    return [
        finding for fold in folds for finding in wrong_of(fold, stored[fold.workspace, fold.stream])
    ]


async def unknown_secrets(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return the first secret that belongs to no stream of the log."""
    cursor = await connection.execute(UNKNOWN_STREAM, {"workspace": workspace})
    return [
        Finding(None, f"secret_store: a row is there for {stream}, which has no events")
        for (stream,) in await cursor.fetchall()
    ]


def wrong_of(fold: StreamFold, stored: Mapping[SecretPlace, str]) -> Iterator[Finding]:
    """Yield what is wrong with the *stored* secrets of one stream."""
    for place, sealed in fold.secrets.items():
        if place not in stored:
            yield Finding(sealed.position, f"the secret {place[0]} is not stored")
        elif stored[place] != sealed.commitment:
            what = f"the stored secret {place[0]} is not the one that was sealed"
            yield Finding(sealed.position, what)
    for field, version in stored.keys() - fold.secrets:
        what = f"version {version} of the secret {field} is stored and should not be"
        yield Finding(fold.position, what)
