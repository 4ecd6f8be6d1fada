from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.errors import TreeStateError
from app.audit.merkle import EMPTY_ROOT, Frontier, Node, TreeHead, leaf_hash, node_hash, subtrees

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.audit.conftest import PublishedTree, Rfc9162


def grown(entries: list[bytes]) -> Frontier:
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    return frontier


# ----- Published figures -----
def test_leaves_and_pairs_are_hashed_as_published() -> None:
    # github.com/transparency-dev/merkle, rfc6962/rfc6962_test.go, at 417fb0c31475
    leaf = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    node = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert leaf_hash(b"L123456").hex() == leaf
    assert node_hash(b"N123", b"N456").hex() == node


def test_a_growing_tree_has_the_published_roots(published: "PublishedTree") -> None:
    frontier = Frontier()
    heads = [frontier.head]
    for entry in published.entries:
        frontier.append(leaf_hash(entry))
        heads.append(frontier.head)
    assert heads == published.heads
    assert heads[0] == TreeHead(0, EMPTY_ROOT)


def test_appending_tells_every_subtree_that_is_complete(published: "PublishedTree") -> None:
    frontier, told = Frontier(), dict[Node, bytes]()
    for size, entry in enumerate(published.entries):
        for level, complete in enumerate(frontier.append(leaf_hash(entry))):
            told[Node(level, size >> level)] = complete
    assert told == published.nodes


# ----- Any tree -----
@given(entries=st.lists(st.binary(max_size=40), max_size=70))
def test_the_root_is_that_of_the_recursive_definition(rfc: "Rfc9162", entries: list[bytes]) -> None:
    assert grown(entries).head == (len(entries), rfc.mth(entries))


@given(size=st.integers(0, 300), more=st.integers(0, 50))
def test_a_frontier_goes_on_where_it_was_stored(size: int, more: int) -> None:
    entries = [b"%d" % number for number in range(size + more)]
    before = grown(entries[:size])
    after = Frontier(before.size, before.peaks)
    for entry in entries[size:]:
        after.append(leaf_hash(entry))
    assert (after.size, after.peaks) == (size + more, grown(entries).peaks)


def test_the_peaks_are_the_subtrees_that_make_up_the_tree(
    published: "PublishedTree",
) -> None:
    for size in range(9):
        peaks = grown(published.entries[:size]).peaks
        assert peaks == tuple(published.nodes[node] for node in subtrees(0, size))


@pytest.mark.parametrize(
    ("size", "peaks"),
    [
        (-1, [EMPTY_ROOT]),
        (0, [EMPTY_ROOT]),
        (1, []),
        (3, [EMPTY_ROOT]),
        (4, [EMPTY_ROOT] * 2),
        (2, [EMPTY_ROOT[:31]]),
        (3, [EMPTY_ROOT, EMPTY_ROOT + b"\x00"]),
    ],
)
def test_a_frontier_that_cannot_be_is_refused(size: int, peaks: list[bytes]) -> None:
    with pytest.raises(TreeStateError, match=f"A tree of {size} leaves cannot have {len(peaks)} "):
        Frontier(size, peaks)


def test_a_pair_cannot_pass_for_an_entry() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
