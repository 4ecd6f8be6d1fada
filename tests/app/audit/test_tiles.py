from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit.errors import TreeStateError
from app.audit.merkle import Frontier, Node, leaf_hash, subtrees
from app.audit.tiles import (
    Tile,
    extends_beyond,
    grow,
    stored_frontier,
    stored_node_hash,
    tile_of,
    tiles_gaining,
    tiles_of,
)

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.audit.conftest import LargeTree, Rfc9162


def test_tiles_have_the_widths_of_the_specifications_example(large: "LargeTree") -> None:
    # C2SP tlog-tiles, "Partial Tiles": a tree of size 70,000
    widths = {tile: len(hashes) / 32 for tile, hashes in large.tiles.items()}
    full_leaf_tiles = {Tile(0, number): 256 for number in range(273)}
    partial = {Tile(0, 273): 112, Tile(1, 1): 17, Tile(2, 0): 1}
    assert widths == full_leaf_tiles | {Tile(1, 0): 256} | partial


def test_tiles_hold_the_hashes_that_the_specification_names(
    rfc: "Rfc9162", large: "LargeTree"
) -> None:
    for tile, slot in ((Tile(0, 0), 0), (Tile(0, 273), 111), (Tile(1, 0), 255), (Tile(2, 0), 0)):
        leaves = 256**tile.level
        start = (tile.number * 256 + slot) * leaves
        expected = rfc.mth(large.entries[start : start + leaves])
        assert large.tiles[tile][32 * slot : 32 * slot + 32] == expected


@given(batches=st.lists(st.integers(0, 700), max_size=5))
def test_batches_make_the_tiles_that_one_batch_makes(batches: list[int]) -> None:
    entries = [leaf_hash(b"%d" % number) for number in range(sum(batches))]
    frontier, tiles, start = Frontier(), dict[Tile, bytes](), 0
    for batch in batches:
        for tile, gain in grow(frontier, entries[start : start + batch]).items():
            tiles[tile] = tiles.get(tile, b"") + gain
        start += batch
    whole = Frontier()
    assert tiles == grow(whole, entries)
    assert frontier.head == whole.head


@given(size=st.integers(0, 70_000), leaves=st.integers(0, 600))
def test_the_tiles_that_will_gain_are_known_before(
    large: "LargeTree", size: int, leaves: int
) -> None:
    frontier = stored_frontier(size, large.tiles)
    gains = grow(frontier, [leaf_hash(b"")] * leaves)
    assert [*tiles_gaining(size, leaves)] == sorted(gains)


@given(size=st.integers(0, 600))
def test_leaves_after_the_last_are_noticed(size: int) -> None:
    assert not extends_beyond(size, grow(Frontier(), [leaf_hash(b"")] * size))
    assert extends_beyond(size, grow(Frontier(), [leaf_hash(b"")] * (size + 1)))


@given(level=st.integers(0, 12), data=st.data())
@settings(max_examples=50)
def test_every_complete_subtree_is_found(
    rfc: "Rfc9162", large: "LargeTree", level: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, (70_000 >> level) - 1))
    entries = large.entries[number << level : (number + 1) << level]
    assert stored_node_hash(Node(level, number), large.tiles) == rfc.mth(entries)


@given(size=st.integers(0, 70_000))
def test_every_earlier_head_can_be_read_from_few_tiles(large: "LargeTree", size: int) -> None:
    wanted = tiles_of(subtrees(0, size))
    assert len(wanted) <= 3
    earlier = stored_frontier(size, {tile: large.tiles[tile] for tile in wanted})
    for entry in large.entries[size : size + 300]:
        earlier.append(leaf_hash(entry))
    later = min(size + 300, 70_000)
    assert earlier.head == stored_frontier(later, large.tiles).head


def test_the_last_head_is_that_of_the_frontier(rfc: "Rfc9162", large: "LargeTree") -> None:
    assert (
        stored_frontier(70_000, large.tiles).head == large.head == (70_000, rfc.mth(large.entries))
    )


@pytest.mark.parametrize("node", [Node(0, 70_000), Node(0, 69_999), Node(3, 8749), Node(16, 0)])
def test_a_missing_or_short_tile_is_told(large: "LargeTree", node: Node) -> None:
    tile = tile_of(node)
    kept = {known: hashes for known, hashes in large.tiles.items() if known != tile}
    for tiles in (kept, kept | {tile: large.tiles[tile][:-33]}):
        with pytest.raises(TreeStateError, match=f"{tile.level}/{tile.number} "):
            stored_node_hash(node, tiles)
