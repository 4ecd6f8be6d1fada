from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.errors import ProofError
from app.audit.merkle import EMPTY_ROOT, TreeHead, leaf_hash
from app.audit.proofs import (
    assemble_proof,
    consistency_plan,
    inclusion_plan,
    verify_consistency,
    verify_inclusion,
)
from app.audit.tiles import stored_frontier

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.audit.conftest import LargeTree

Proof = list[bytes]
SIZES = range(1, 20)


def refuses_inclusion(leaf: bytes, index: int, proof: Proof, head: TreeHead) -> bool:
    try:
        verify_inclusion(leaf, index, proof, head)
    except ProofError:
        return True
    return False


def refuses_consistency(first: TreeHead, second: TreeHead, proof: Proof) -> bool:
    try:
        verify_consistency(first, second, proof)
    except ProofError:
        return True
    return False


def altered(proof: Proof, foreign: bytes) -> Iterator[Proof]:
    """Yield every way to flip a bit of a byte, drop, add, repeat, swap, cut or shift hashes."""
    for place, each in enumerate(proof):
        before, after = proof[:place], proof[place + 1 :]
        yield from ([*before, flipped(each, byte), *after] for byte in range(32))
        yield [*before, *after]
        yield [*before, each, each, *after]
        yield [*before, each[:-1], *after]
        yield [*before, each + b"\x00", *after]
        yield [*before, b"", *after]
        if after:
            yield [*before, after[0], each, *after[1:]]
            yield [*before, each + after[0][:1], after[0][1:], *after[1:]]
    for place in range(len(proof) + 1):
        yield [*proof[:place], foreign, *proof[place:]]


def flipped(hashed: bytes, byte: int) -> bytes:
    return hashed[:byte] + bytes([hashed[byte] ^ 1 << byte % 8]) + hashed[byte + 1 :]


# ----- Inclusion -----
def test_inclusion_holds_for_the_leaf_its_index_and_its_tree_and_for_nothing_else(
    large: "LargeTree",
) -> None:
    leaves = [leaf_hash(entry) for entry in large.entries[:11]]
    heads = [stored_frontier(size, large.tiles).head for size in range(11)]
    for size in range(1, 11):
        for index in range(size):
            proof = assemble_proof(inclusion_plan(index, size), large.tiles)
            held = [
                (claimed, at, head.size)
                for claimed, at, head in product(range(11), range(-1, 11), heads)
                if not refuses_inclusion(leaves[claimed], at, proof, head)
            ]
            assert held == [(index, index, size)]


def test_an_altered_inclusion_proof_does_not_hold(large: "LargeTree") -> None:
    for size in SIZES:
        head = stored_frontier(size, large.tiles).head
        for index in range(size):
            leaf = leaf_hash(large.entries[index])
            proof = assemble_proof(inclusion_plan(index, size), large.tiles)
            for foreign in (leaf, head.root, EMPTY_ROOT):
                for wrong in altered(proof, foreign):
                    assert refuses_inclusion(leaf, index, wrong, head)


def test_an_inclusion_proof_does_not_hold_for_an_altered_root_or_leaf(large: "LargeTree") -> None:
    proof = assemble_proof(inclusion_plan(5, 13), large.tiles)
    leaf, head = leaf_hash(large.entries[5]), stored_frontier(13, large.tiles).head
    verify_inclusion(leaf, 5, proof, head)
    for byte in range(32):
        assert refuses_inclusion(flipped(leaf, byte), 5, proof, head)
        assert refuses_inclusion(leaf, 5, proof, TreeHead(13, flipped(head.root, byte)))
    assert refuses_inclusion(leaf[1:], 5, proof, head)


@pytest.mark.parametrize("cut", [0, 31, 33])
def test_what_is_no_hash_is_told(large: "LargeTree", cut: int) -> None:
    leaf, head = leaf_hash(large.entries[5]), stored_frontier(13, large.tiles).head
    proof = assemble_proof(inclusion_plan(5, 13), large.tiles)
    no_hash = (leaf + b"\x00")[:cut]
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(no_hash, 5, proof, head)
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(leaf, 5, [*proof[:-1], no_hash], head)
    with pytest.raises(ProofError, match="32 bytes"):
        verify_consistency(head, large.head, [no_hash])


def test_a_proof_of_another_length_is_told(large: "LargeTree") -> None:
    leaf, head = leaf_hash(large.entries[5]), stored_frontier(13, large.tiles).head
    proof = assemble_proof(inclusion_plan(5, 13), large.tiles)
    with pytest.raises(ProofError, match="too many"):
        verify_inclusion(leaf, 5, [*proof, EMPTY_ROOT], head)
    with pytest.raises(ProofError, match="too few"):
        verify_inclusion(leaf, 5, proof[:-1], head)


# ----- Consistency -----
def test_consistency_holds_for_its_two_trees_and_for_no_others(large: "LargeTree") -> None:
    heads = [stored_frontier(size, large.tiles).head for size in range(21)]
    for second in SIZES:
        for first in range(1, second):
            proof = assemble_proof(consistency_plan(first, second), large.tiles)
            held = [
                (one.size, other.size)
                for one, other in product(heads, heads)
                if not refuses_consistency(one, other, proof)
            ]
            assert held == [(first, second)]


def test_an_altered_consistency_proof_does_not_hold(large: "LargeTree") -> None:
    for second in SIZES:
        for first in range(1, second + 1):
            one, other = (stored_frontier(size, large.tiles).head for size in (first, second))
            proof = assemble_proof(consistency_plan(first, second), large.tiles)
            for foreign in (one.root, other.root, EMPTY_ROOT):
                for wrong in altered(proof, foreign):
                    assert refuses_consistency(one, other, wrong)


def test_a_consistency_proof_does_not_hold_for_an_altered_root(large: "LargeTree") -> None:
    for first, second in ((4, 13), (6, 13), (13, 13)):
        one, other = (stored_frontier(size, large.tiles).head for size in (first, second))
        proof = assemble_proof(consistency_plan(first, second), large.tiles)
        verify_consistency(one, other, proof)
        for byte in range(32):
            wrong = TreeHead(first, flipped(one.root, byte))
            assert refuses_consistency(wrong, other, proof)
            assert refuses_consistency(one, TreeHead(second, flipped(other.root, byte)), proof)


def test_an_empty_proof_between_two_trees_is_refused(large: "LargeTree") -> None:
    for first in (4, 6):
        with pytest.raises(ProofError, match="too few"):
            verify_consistency(stored_frontier(first, large.tiles).head, large.head, [])


def test_a_smaller_tree_cannot_continue_a_larger_one(large: "LargeTree") -> None:
    first, second = (stored_frontier(size, large.tiles).head for size in (6, 13))
    proof = assemble_proof(consistency_plan(6, 13), large.tiles)
    verify_consistency(first, second, proof)
    with pytest.raises(ProofError, match="A tree of 6 leaves cannot continue one of 13"):
        verify_consistency(second, first, proof)


def test_the_same_tree_is_consistent_with_itself_without_a_proof(large: "LargeTree") -> None:
    verify_consistency(large.head, large.head, [])


def test_that_a_tree_continues_the_empty_one_is_no_evidence(large: "LargeTree") -> None:
    empty = TreeHead(0, EMPTY_ROOT)
    assert refuses_consistency(empty, large.head, [])
    assert refuses_consistency(empty, empty, [])


def test_roots_that_are_no_hashes_are_refused() -> None:
    # transparency-dev/merkle takes two equal byte strings of any length for roots of one size
    head = TreeHead(1, b"don't care 2")
    assert refuses_consistency(head, head, [])


# ----- Anything -----
numbers = st.integers(-2, 70) | st.integers(-(1 << 70), 1 << 70)
hashes = st.sampled_from([EMPTY_ROOT, leaf_hash(b"")]) | st.binary(max_size=40)


@given(leaf=hashes, index=numbers, proof=st.lists(hashes, max_size=9), size=numbers, root=hashes)
def test_a_made_up_inclusion_proof_is_refused_with_a_typed_error(
    leaf: bytes, index: int, proof: Proof, size: int, root: bytes
) -> None:
    if (index, size, proof, leaf) != (0, 1, [], root):
        with pytest.raises(ProofError):
            verify_inclusion(leaf, index, proof, TreeHead(size, root))


@given(first=numbers, second=numbers, one=hashes, other=hashes, proof=st.lists(hashes, max_size=9))
def test_a_made_up_consistency_proof_is_refused_with_a_typed_error(
    first: int, second: int, one: bytes, other: bytes, proof: Proof
) -> None:
    if (first, one, proof) != (second, other, []):
        with pytest.raises(ProofError):
            verify_consistency(TreeHead(first, one), TreeHead(second, other), proof)
