"""The leaves of a workspace's tree: its events, byte for byte as they are stored."""

from collections.abc import Sequence

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.merkle import leaf_hash, leaf_index

LEAVES_AT_SQL = """
SELECT position, sequence, envelope FROM integrations.events
WHERE workspace_id = %s AND position = ANY (%s) ORDER BY position
"""
NEXT_LEAVES_SQL = """
SELECT position, sequence, envelope FROM integrations.events
WHERE workspace_id = %s AND sequence > %s ORDER BY sequence LIMIT %s
"""
BATCH_SIZE = 200  # events: at most some hundred kilobytes at once


class Leaf(Struct, frozen=True):
    """An event as it is stored, and where; `index` counts the workspace's events from 0."""

    position: int
    index: int
    envelope: bytes

    @property
    def hash(self) -> bytes:
        """The hash (32 bytes) that is in the tree."""
        return leaf_hash(self.envelope)


async def read_leaves(
    connection: AsyncConnection, workspace: str, positions: Sequence[int]
) -> list[Leaf]:
    """Return the events of *workspace* that are at *positions*."""
    cursor = await connection.execute(LEAVES_AT_SQL, (workspace, [*positions]), binary=True)
    return [
        Leaf(position, leaf_index(sequence), envelope)
        for position, sequence, envelope in await cursor.fetchall()
    ]


async def read_leaf_batch(connection: AsyncConnection, workspace: str, count: int) -> list[Leaf]:
    """Return up to BATCH_SIZE events of *workspace* that follow its first *count*."""
    cursor = await connection.execute(NEXT_LEAVES_SQL, (workspace, count, BATCH_SIZE), binary=True)
    return [
        Leaf(position, leaf_index(sequence), envelope)
        for position, sequence, envelope in await cursor.fetchall()
    ]
