from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.errors import ProofNotFoundError, TreeStateError
from app.audit.merkle import Frontier, Node, leaf_hash
from app.audit.proofs import (
    assemble_proof,
    consistency_plan,
    inclusion_plan,
    plan_nodes,
    verify_consistency,
    verify_inclusion,
)
from app.audit.tiles import grow, stored_frontier, tiles_of

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.audit.conftest import LargeTree, PublishedTree, Rfc9162

# The proofs of github.com/transparency-dev/merkle, testdata/*/*/happy-path.json, at 417fb0c31475;
# hashes written as the nodes that they are in the published tree.
INCLUSION = {
    (0, 1): [],
    (0, 8): [Node(0, 1), Node(1, 1), Node(2, 1)],
    (5, 8): [Node(0, 4), Node(1, 3), Node(2, 0)],
    (2, 3): [Node(1, 0)],
    (1, 5): [Node(0, 0), Node(1, 1), Node(0, 4)],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [Node(0, 1), Node(1, 1), Node(2, 1)],
    (6, 8): [Node(1, 2), Node(1, 3), Node(2, 0)],
    (2, 5): [Node(1, 1), Node(0, 4)],
    (6, 7): [Node(1, 2), Node(0, 6), Node(2, 0)],
}


# ----- Published figures -----
@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(
    published: "PublishedTree", index: int, size: int
) -> None:
    proof = [published.nodes[node] for node in INCLUSION[index, size]]
    tiles = grow(Frontier(), map(leaf_hash, published.entries))
    assert assemble_proof(inclusion_plan(index, size), tiles) == proof
    verify_inclusion(published.nodes[Node(0, index)], index, proof, published.heads[size])


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(
    published: "PublishedTree", first: int, second: int
) -> None:
    proof = [published.nodes[node] for node in CONSISTENCY[first, second]]
    tiles = grow(Frontier(), map(leaf_hash, published.entries))
    assert assemble_proof(consistency_plan(first, second), tiles) == proof
    verify_consistency(published.heads[first], published.heads[second], proof)


# ----- Any tree -----
@given(size=st.integers(1, 600), data=st.data())
def test_proofs_are_those_of_the_recursive_definitions(
    rfc: "Rfc9162", large: "LargeTree", size: int, data: st.DataObject
) -> None:
    entries = large.entries[:size]
    index = data.draw(st.integers(0, size - 1))
    assert assemble_proof(inclusion_plan(index, size), large.tiles) == rfc.path(index, entries)
    first = index + 1
    assert assemble_proof(consistency_plan(first, size), large.tiles) == rfc.proof(first, entries)


@given(size=st.integers(1, 70_000), data=st.data())
def test_proofs_of_a_large_tree_hold_and_need_few_tiles(
    large: "LargeTree", size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    head, first = (
        stored_frontier(size, large.tiles).head,
        stored_frontier(index + 1, large.tiles).head,
    )
    for plan in (inclusion_plan(index, size), consistency_plan(index + 1, size)):
        assert len(tiles_of(plan_nodes(plan))) <= 5  # two a level; there is one at the top
    inclusion = assemble_proof(inclusion_plan(index, size), large.tiles)
    verify_inclusion(leaf_hash(large.entries[index]), index, inclusion, head)
    verify_consistency(first, head, assemble_proof(consistency_plan(index + 1, size), large.tiles))


# ----- No such proof -----
@pytest.mark.parametrize(("index", "size"), [(0, 0), (8, 8), (9, 8), (-1, 8), (0, -1)])
def test_what_is_not_in_the_tree_cannot_be_proved(index: int, size: int) -> None:
    with pytest.raises(ProofNotFoundError):
        inclusion_plan(index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 8), (9, 8), (-1, 8)])
def test_a_tree_cannot_be_proved_to_continue_nothing_or_a_larger_one(
    first: int, second: int
) -> None:
    with pytest.raises(ProofNotFoundError):
        consistency_plan(first, second)


def test_no_proof_is_made_from_less_than_the_tree(large: "LargeTree") -> None:
    with pytest.raises(TreeStateError):
        assemble_proof(inclusion_plan(0, 70_001), large.tiles)
