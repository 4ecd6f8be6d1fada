"""What the database keeps of the trees: their tiles, and the checkpoints signed over them."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from app.audit.checkpoint_key import CheckpointKey
from app.audit.errors import TreeStateError
from app.audit.merkle import subtrees
from app.audit.tiles import Tile, Tiles, frontier_at, grow, tiles_of

NEWEST = """
SELECT tree.name, newest.note FROM unnest(%s::text[]) AS tree (name)
CROSS JOIN LATERAL (
    SELECT note FROM integrations.audit_checkpoints
    WHERE workspace_id = tree.name ORDER BY size DESC LIMIT 1
) AS newest
"""
TILES = """
SELECT workspace_id, level, number, hashes FROM integrations.audit_tiles
JOIN unnest(%s::text[], %s::integer[], %s::bigint[]) AS wanted (workspace_id, level, number)
    USING (workspace_id, level, number)
"""
EXTEND = """
INSERT INTO integrations.audit_tiles AS tile (workspace_id, level, number, hashes)
SELECT * FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bytea[])
ON CONFLICT ON CONSTRAINT audit_tiles_number DO UPDATE SET hashes = tile.hashes || excluded.hashes
"""
SIGN = """
INSERT INTO integrations.audit_checkpoints (workspace_id, size, position, note)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[])
"""


class Leaves(Struct, frozen=True):
    """What a tree gains: hashes of leaves, and the position of the last of them."""

    hashes: Sequence[bytes]
    position: int


class Grown(Struct, frozen=True):
    """What is to be stored of a tree that has grown: what its tiles gain, and its checkpoint."""

    name: str
    gains: Tiles
    size: int
    position: int
    note: bytes


async def newest_checkpoints(
    connection: AsyncConnection, names: Iterable[str], key: CheckpointKey
) -> dict[str, Checkpoint]:
    """Return the newest checkpoint of each of the trees *names* that has one.

    Raises:
        NoteError: what is stored is not signed by *key*.
    """
    cursor = await connection.execute(NEWEST, ([*names],))
    return {
        name: open_checkpoint(note.encode(), key.signer(name).verifier)
        for name, note in await cursor.fetchall()
    }


async def stored_tiles(
    connection: AsyncConnection, wanted: Mapping[str, Iterable[Tile]]
) -> dict[str, dict[Tile, bytes]]:
    """Return of each tree those of the *wanted* tiles that are there."""
    flat = [(name, *tile) for name, tiles in wanted.items() for tile in tiles]
    columns = [*map(list, zip(*flat, strict=True))] or [[], [], []]
    found: dict[str, dict[Tile, bytes]] = {name: {} for name in wanted}
    cursor = await connection.execute(TILES, columns, binary=True)
    for name, level, number, hashes in await cursor.fetchall():
        found[name][Tile(level, number)] = hashes
    return found


async def store(connection: AsyncConnection, grown: Sequence[Grown]) -> None:
    """Add what trees have gained, and their checkpoints."""
    gains = [(each.name, *tile, gain) for each in grown for tile, gain in each.gains.items()]
    await connection.execute(EXTEND, [*map(list, zip(*gains, strict=True))])
    signed = [(each.name, each.size, each.position, each.note.decode()) for each in grown]
    await connection.execute(SIGN, [*map(list, zip(*signed, strict=True))])


def edge_of(checkpoint: Checkpoint | None) -> set[Tile]:
    """Return the tiles from which the tree of *checkpoint* goes on."""
    return tiles_of(subtrees(0, checkpoint.head.size)) if checkpoint else set()


def grown_from(
    name: str, checkpoint: Checkpoint | None, tiles: Tiles, leaves: Leaves, key: CheckpointKey
) -> Grown:
    """Return what is to be stored of the tree *name* after it has gained *leaves*.

    It goes on from what *checkpoint* signed and from nothing else: what is signed now continues it.

    Raises:
        TreeStateError: *tiles*, those of `edge_of`, are not those of *checkpoint*.
    """
    frontier = frontier_at(checkpoint.head.size if checkpoint else 0, tiles)
    if checkpoint and frontier.head != checkpoint.head:
        message = f"The stored tree of {checkpoint.origin} is not the one that was signed."
        raise TreeStateError(message)
    gains = grow(frontier, leaves.hashes)
    note = sign_checkpoint(frontier.head, leaves.position, key.signer(name))
    return Grown(name, gains, frontier.size, leaves.position, note)
