"""What the database keeps of the trees: their tiles, and the checkpoints signed over them."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import LiteralString

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.checkpoint import Checkpoint, origin_of
from app.audit.checkpoint_signer import Notary
from app.audit.errors import TreeStateError
from app.audit.merkle import subtrees
from app.audit.tiles import Tile, Tiles, frontier_at, gaining, goes_on, grow, tiles_of

HEAD = "SELECT coalesce(max(position), 0) FROM integrations.events"
POSITION = "SELECT position FROM integrations.audit_follower"
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
EVERY = 3600.0  # seconds
AT_ONCE = 10_000  # rows; what is more goes after the next look at the log, which must not wait
# The same rule as that of the trigger of migration 0010, which refuses all else.
THIN = """
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


async def head_of(connection: AsyncConnection) -> int:
    """Return the last position of the log, 0 where it is empty."""
    return await number(connection, HEAD)


async def followed_to(connection: AsyncConnection) -> int:
    """Return up to which position the log is in the trees."""
    return await number(connection, POSITION)


async def number(connection: AsyncConnection, query: LiteralString) -> int:
    """Return the one number that *query* asks for."""
    row = await (await connection.execute(query)).fetchone()
    assert row is not None  # noqa: S101 — an aggregate, or the row that the migration made
    return row[0]


async def stored_notes(connection: AsyncConnection, names: Iterable[str]) -> dict[str, str]:
    """Return the newest checkpoint of each of the trees *names* that has one, as it is stored."""
    cursor = await connection.execute(NEWEST, ([*names],))
    return dict(await cursor.fetchall())


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
    size = size_of(checkpoint)
    return {*tiles_of(subtrees(0, size)), *gaining(size, 1)}


def size_of(checkpoint: Checkpoint | None) -> int:
    """Return how many leaves the tree of *checkpoint* has; without one it has none."""
    return checkpoint.head.size if checkpoint else 0


def grown_from(
    name: str, checkpoint: Checkpoint | None, tiles: Tiles, leaves: Leaves, notary: Notary
) -> Grown:
    """Return what is to be stored of the tree *name* after it has gained *leaves*.

    It goes on from what *checkpoint* signed and from nothing else: what is signed now continues it.

    Raises:
        TreeStateError: *tiles*, those of `edge_of`, are not those of *checkpoint*.
    """
    size = size_of(checkpoint)
    frontier = frontier_at(size, tiles)
    signed = checkpoint.head if checkpoint else frontier.head
    if frontier.head != signed or goes_on(size, tiles):
        message = f"The stored tree of {origin_of(name)} is not the one that was signed."
        raise TreeStateError(message)
    gains = grow(frontier, leaves.hashes)
    note = notary.sign(name, frontier.head, leaves.position)
    return Grown(name, gains, frontier.size, leaves.position, note)


class Thinning:
    """Knows when checkpoints are to be let go again; mutable."""

    def __init__(self) -> None:
        self._due = 0.0

    async def go_on(self, connection: AsyncConnection) -> None:
        """Let some go if it is time."""
        if monotonic() >= self._due and await thin(connection) < AT_ONCE:
            self._due = monotonic() + EVERY


async def thin(connection: AsyncConnection) -> int:
    """Let checkpoints go, a bounded number; return how many."""
    return (await connection.execute(THIN, (AT_ONCE,))).rowcount
