"""How the hashes of a tree are stored: in tiles, as C2SP's tlog-tiles lays them out.

A tile is up to 256 neighbouring hashes (8,192 bytes) of one level in eight: tile level 0 holds
leaf hashes, level 1 the roots of full tiles of level 0, and so on. What lies between is hashed
again when it is needed (at most 255 hashes a tile). So a tree takes 32 bytes a leaf and one row in
256 leaves, a tile only ever grows at its end, and a proof reads at most two tiles a level.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from app.audit.errors import TreeStateError
from app.audit.merkle import HASH_BYTES, Frontier, Node, subtrees

HEIGHT = 8  # levels of the tree between one level of tiles and the next
WIDTH = 1 << HEIGHT  # hashes in a full tile


class Tile(NamedTuple):
    """The address of a tile: its level among the tiles, and its number there (from 0)."""

    level: int
    number: int


Tiles = Mapping[Tile, bytes]


def grow(frontier: Frontier, leaves: Iterable[bytes]) -> dict[Tile, bytes]:
    """Append hashes of leaves to *frontier*; return what each tile gains after what it holds."""
    gains: defaultdict[tuple[int, int], bytearray] = defaultdict(bytearray)
    for index, leaf in enumerate(leaves, start=frontier.size):
        for level, complete in enumerate(frontier.append(leaf)[::HEIGHT]):
            gains[level, index >> HEIGHT * (level + 1)] += complete
    return {Tile(*tile): bytes(gain) for tile, gain in gains.items()}


def tiles_gaining(size: int, leaves: int) -> Iterator[Tile]:
    """Yield the tiles that gain hashes when a tree of *size* leaves gains *leaves* more."""
    level, start, end = 0, size, size + leaves
    while start < end:
        for number in range(start >> HEIGHT, ((end - 1) >> HEIGHT) + 1):
            yield Tile(level, number)
        level, start, end = level + 1, start >> HEIGHT, end >> HEIGHT


def stored_frontier(size: int, tiles: Tiles) -> Frontier:
    """Return the right edge of the tree when it had *size* leaves; `tiles_of` says what to read.

    Raises:
        TreeStateError: the tiles do not hold so many leaves.
    """
    return Frontier(size, [stored_node_hash(node, tiles) for node in subtrees(0, size)])


def extends_beyond(size: int, tiles: Tiles) -> bool:
    """Return whether *tiles*, `tiles_gaining(size, 1)` among them, hold more than *size* leaves."""
    next_tile = tiles.get(Tile(0, size >> HEIGHT), b"")
    return len(next_tile) > size % WIDTH * HASH_BYTES


def tiles_of(nodes: Iterable[Node]) -> set[Tile]:
    """Return the tiles in which *nodes* are."""
    return {tile_of(node) for node in nodes}


def tile_of(node: Node) -> Tile:
    """Return the tile that holds *node*, or the hashes it is made of."""
    level, height = divmod(node.level, HEIGHT)
    return Tile(level, node.number >> (HEIGHT - height))


def stored_node_hash(node: Node, tiles: Tiles) -> bytes:
    """Return the hash of *node*.

    Raises:
        TreeStateError: its tile is not there, or too short.
    """
    tile = tile_of(node)
    amount = 1 << node.level % HEIGHT
    start = node.number * amount % WIDTH
    hashes = tiles.get(tile, b"")[start * HASH_BYTES : (start + amount) * HASH_BYTES]
    if len(hashes) != amount * HASH_BYTES:
        message = f"The tile {tile.level}/{tile.number} of the tree is missing or too short."
        raise TreeStateError(message)
    return subtree_root(hashes)


def subtree_root(hashes: bytes) -> bytes:
    """Return the root over *hashes*, which are 1, 2, 4, … of 32 bytes each."""
    pair = 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        starts = range(0, len(hashes), pair)  # node_hash, inline:
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + pair]).digest() for at in starts])
    return hashes
