"""Stores trees in the database: their tiles, and the checkpoints signed over them.

Of each day that is over, only the last checkpoint of each tree is stored (docs/audit.md). Nothing
is lost: a later checkpoint covers all that an earlier one did, proofs are made from the tree for
any size, and a client with an external checkpoint needs no copy of it here.
"""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import LiteralString

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.checkpoint import Checkpoint, log_origin
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.errors import TreeStateError
from app.audit.merkle import subtrees
from app.audit.tiles import (
    Tile,
    Tiles,
    extends_beyond,
    grow,
    stored_frontier,
    tiles_gaining,
    tiles_of,
)

HEAD_SQL = "SELECT coalesce(max(position), 0) FROM integrations.events"
FOLLOWER_POSITION_SQL = "SELECT position FROM integrations.audit_follower"
LATEST_NOTES_SQL = """
SELECT tree.name, newest.note FROM unnest(%s::text[]) AS tree (name)
CROSS JOIN LATERAL (
    SELECT note FROM integrations.audit_checkpoints
    WHERE workspace_id = tree.name ORDER BY size DESC LIMIT 1
) AS newest
"""
READ_TILES_SQL = """
SELECT workspace_id, level, number, hashes FROM integrations.audit_tiles
JOIN unnest(%s::text[], %s::integer[], %s::bigint[]) AS wanted (workspace_id, level, number)
    USING (workspace_id, level, number)
"""
EXTEND_TILES_SQL = """
INSERT INTO integrations.audit_tiles AS tile (workspace_id, level, number, hashes)
SELECT * FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bytea[])
ON CONFLICT ON CONSTRAINT audit_tiles_number DO UPDATE SET hashes = tile.hashes || excluded.hashes
"""
INSERT_CHECKPOINTS_SQL = """
INSERT INTO integrations.audit_checkpoints (workspace_id, size, position, note)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[])
"""
RETENTION_INTERVAL = 3600.0  # seconds
RETENTION_BATCH_SIZE = (
    10_000  # rows; the rest goes after the next poll of the log, which must not wait
)
# The same rule as that of the trigger in sql/audit.sql, which refuses all else.
DELETE_SUPERSEDED_SQL = """
DELETE FROM integrations.audit_checkpoints WHERE (workspace_id, size) IN (
    SELECT workspace_id, size FROM (
        SELECT workspace_id, size, at, lead(at) OVER tree AS next
        FROM integrations.audit_checkpoints WINDOW tree AS (PARTITION BY workspace_id ORDER BY size)
    ) AS signed
    WHERE at < now() - interval '24 hours'
        AND (at AT TIME ZONE 'UTC')::date = (next AT TIME ZONE 'UTC')::date
    LIMIT %s
)
"""


class NewLeaves(Struct, frozen=True):
    """What a tree gains: hashes of leaves, and the position of the last of them."""

    hashes: Sequence[bytes]
    position: int


class TreeUpdate(Struct, frozen=True):
    """What is to be stored of a tree that has grown: what its tiles gain, and its checkpoint."""

    name: str
    gains: Tiles
    size: int
    position: int
    note: bytes


async def head_position(connection: AsyncConnection) -> int:
    """Return the last position of the log, 0 if it is empty."""
    return await scalar(connection, HEAD_SQL)


async def follower_position(connection: AsyncConnection) -> int:
    """Return up to which position the log is in the trees."""
    return await scalar(connection, FOLLOWER_POSITION_SQL)


async def scalar(connection: AsyncConnection, query: LiteralString) -> int:
    """Return the one number that *query* selects."""
    row = await (await connection.execute(query)).fetchone()
    assert row is not None  # noqa: S101 — an aggregate, or the row that the migration made
    return row[0]


async def stored_notes(connection: AsyncConnection, names: Iterable[str]) -> dict[str, str]:
    """Return the newest checkpoint of each of the trees *names* that has one, as it is stored."""
    cursor = await connection.execute(LATEST_NOTES_SQL, ([*names],))
    return dict(await cursor.fetchall())


async def stored_tiles(
    connection: AsyncConnection, wanted: Mapping[str, Iterable[Tile]]
) -> dict[str, dict[Tile, bytes]]:
    """Return of each tree those of the *wanted* tiles that are there."""
    flat = [(name, *tile) for name, tiles in wanted.items() for tile in tiles]
    columns = [*map(list, zip(*flat, strict=True))] or [[], [], []]
    found: dict[str, dict[Tile, bytes]] = {name: {} for name in wanted}
    cursor = await connection.execute(READ_TILES_SQL, columns, binary=True)
    for name, level, number, hashes in await cursor.fetchall():
        found[name][Tile(level, number)] = hashes
    return found


async def store_updates(connection: AsyncConnection, grown: Sequence[TreeUpdate]) -> None:
    """Add what trees have gained, and their checkpoints."""
    gains = [(each.name, *tile, gain) for each in grown for tile, gain in each.gains.items()]
    await connection.execute(EXTEND_TILES_SQL, [*map(list, zip(*gains, strict=True))])
    signed = [(each.name, each.size, each.position, each.note.decode()) for each in grown]
    await connection.execute(INSERT_CHECKPOINTS_SQL, [*map(list, zip(*signed, strict=True))])


def frontier_tiles(checkpoint: Checkpoint | None) -> set[Tile]:
    """Return the tiles from which the tree of *checkpoint* continues."""
    size = tree_size(checkpoint)
    return {*tiles_of(subtrees(0, size)), *tiles_gaining(size, 1)}


def tree_size(checkpoint: Checkpoint | None) -> int:
    """Return how many leaves the tree of *checkpoint* has; without one it has none."""
    return checkpoint.head.size if checkpoint else 0


def extend_tree(
    name: str,
    checkpoint: Checkpoint | None,
    tiles: Tiles,
    leaves: NewLeaves,
    signer: CheckpointSigner,
) -> TreeUpdate:
    """Return what is to be stored of the tree *name* after it has gained *leaves*.

    It continues what *checkpoint* signed and nothing else.

    Raises:
        TreeStateError: *tiles*, those of `frontier_tiles`, are not those of *checkpoint*.
    """
    size = tree_size(checkpoint)
    frontier = stored_frontier(size, tiles)
    signed = checkpoint.head if checkpoint else frontier.head
    if frontier.head != signed or extends_beyond(size, tiles):
        message = f"The stored tree of {log_origin(name)} is not the one that was signed."
        raise TreeStateError(message)
    gains = grow(frontier, leaves.hashes)
    note = signer.sign(name, frontier.head, leaves.position)
    return TreeUpdate(name, gains, frontier.size, leaves.position, note)


class CheckpointRetention:
    """Deletes superseded checkpoints once an hour; mutable."""

    def __init__(self) -> None:
        self._due = 0.0

    async def run_if_due(self, connection: AsyncConnection) -> None:
        """Delete some if it is time."""
        if monotonic() >= self._due and await delete_superseded(connection) < RETENTION_BATCH_SIZE:
            self._due = monotonic() + RETENTION_INTERVAL


async def delete_superseded(connection: AsyncConnection) -> int:
    """Delete superseded checkpoints, a bounded number; return how many."""
    return (await connection.execute(DELETE_SUPERSEDED_SQL, (RETENTION_BATCH_SIZE,))).rowcount
