"""Makes and verifies proofs: an event is in the tree, a later tree continues an earlier one.

In two steps, so that one query is enough: a plan says which complete subtrees each hash of
the proof is made of; `tiles_of(plan_nodes(plan))` says what to read; `assemble_proof` puts it
together. Verifying needs no database, only the tree heads of signed checkpoints.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from app.audit.errors import ProofError, ProofNotFoundError
from app.audit.merkle import HASH_BYTES, Node, TreeHead, fold, node_hash, subtrees
from app.audit.tiles import Tiles, stored_node_hash

Plan = Sequence[Sequence[Node]]


def inclusion_plan(index: int, size: int) -> Plan:
    """Return how to prove that the leaf at *index* (from 0) is in the tree of *size* leaves.

    RFC 9162, 2.1.3.1, from the root down; the proof itself begins at the leaf.

    Raises:
        ProofNotFoundError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        message = f"A tree of {size} leaves has no leaf {index}."
        raise ProofNotFoundError(message)
    plan: list[list[Node]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + largest_power_of_two_below(end - start)
        if index < middle:
            plan.append(subtrees(middle, end))
            end = middle
        else:
            plan.append(subtrees(start, middle))
            start = middle
    return plan[::-1]


def consistency_plan(first: int, second: int) -> Plan:
    """Return how to prove that the tree of *second* leaves begins with that of *first*.

    RFC 9162, 2.1.4.1, from the root down. Nothing needs to be proved, and the proof is empty,
    if both are of one size.

    Raises:
        ProofNotFoundError: not 0 < first <= second. (Every tree begins with the empty one.)
    """
    if not 0 < first <= second:
        message = f"A tree of {second} leaves cannot be proved to continue one of {first}."
        raise ProofNotFoundError(message)
    plan: list[list[Node]] = []
    start, end = 0, second
    while first < end:
        middle = start + largest_power_of_two_below(end - start)
        if first <= middle:
            plan.append(subtrees(middle, end))
            end = middle
        else:
            plan.append(subtrees(start, middle))
            start = middle
    if start > 0:  # else what is left is the whole first tree, whose root the verifier has
        plan.append(subtrees(start, end))
    return plan[::-1]


def plan_nodes(plan: Plan) -> list[Node]:
    """Return the subtrees that *plan* needs."""
    return list(chain.from_iterable(plan))


def assemble_proof(plan: Plan, tiles: Tiles) -> list[bytes]:
    """Return the hashes (32 bytes each) of the proof that *plan* describes.

    Raises:
        TreeStateError: a tile is missing or too short.
    """
    return [fold([stored_node_hash(node, tiles) for node in part]) for part in plan]


def largest_power_of_two_below(leaves: int) -> int:
    """Return how many of *leaves* go to the left: the largest power of two smaller than them."""
    return 1 << ((leaves - 1).bit_length() - 1)


# ----- Checks -----
def verify_inclusion(leaf: bytes, index: int, proof: Sequence[bytes], head: TreeHead) -> None:
    """Raise ProofError unless *proof* shows the leaf hash at *index* (from 0) of the tree *head*.

    RFC 9162, 2.1.3.2. Size and root must come from one checkpoint, whose signature was checked.
    """
    require_hashes(leaf, head.root, *proof)
    if not 0 <= index < head.size:
        message = f"A tree of {head.size} leaves has no leaf {index}."
        raise ProofError(message)
    result = leaf
    for other, is_left in audit_path(index, head.size - 1, proof):
        result = node_hash(other, result) if is_left else node_hash(result, other)
    verify_root(result, head)


def verify_consistency(first: TreeHead, second: TreeHead, proof: Sequence[bytes]) -> None:
    """Raise ProofError unless *proof* shows that the tree *second* begins with the tree *first*.

    RFC 9162, 2.1.4.2; heads of one size are consistent if they are equal and the proof is empty.
    The empty tree as *first* is refused: that anything begins with it is no evidence.
    """
    require_hashes(first.root, second.root, *proof)
    if not 0 < first.size <= second.size:
        message = f"A tree of {second.size} leaves cannot continue one of {first.size}."
        raise ProofError(message)
    if first.size == second.size:
        verify_equal_heads(first, second, proof)
    else:
        verify_extension(first, second, proof)


def verify_equal_heads(first: TreeHead, second: TreeHead, proof: Sequence[bytes]) -> None:
    """Raise ProofError unless two heads of one size are equal, and nothing else is given."""
    if proof:
        message = "A proof between two trees of one size has no hashes."
        raise ProofError(message)
    verify_root(first.root, second)


def verify_extension(first: TreeHead, second: TreeHead, proof: Sequence[bytes]) -> None:
    """Raise ProofError unless *proof* leads to both roots; *first* is the smaller tree."""
    if not proof:
        message = "The proof has too few hashes."
        raise ProofError(message)
    if first.size.bit_count() == 1:  # a complete subtree of the second: its root is where to start
        proof = [first.root, *proof]
    node, last = first.size - 1, second.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first_root = second_root = proof[0]
    for other, is_left in audit_path(node, last, proof[1:]):
        if is_left:
            first_root = node_hash(other, first_root)
            second_root = node_hash(other, second_root)
        else:
            second_root = node_hash(second_root, other)
    verify_root(first_root, first)
    verify_root(second_root, second)


def audit_path(node: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each hash of *proof*, and whether it stands left of the way from *node* to the root.

    *node* and *last* are indexes at one level, *last* that of the level's last node. The proof
    must end where the root is (step 4 of 2.1.3.2 is step 6 of 2.1.4.2).
    """
    for other in proof:
        if last == 0:
            message = "The proof has too many hashes."
            raise ProofError(message)
        is_left = node & 1 == 1 or node == last
        yield other, is_left
        while is_left and node and not node & 1:  # a node without a sibling is moved up as it is
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last != 0:
        message = "The proof has too few hashes."
        raise ProofError(message)


def verify_root(root: bytes, head: TreeHead) -> None:
    """Raise ProofError unless *root* is that of *head*; nothing here is secret."""
    if root != head.root:
        message = f"The proof does not lead to the root of the tree of {head.size} leaves."
        raise ProofError(message)


def require_hashes(*hashes: bytes) -> None:
    """Raise ProofError unless each is 32 bytes: else bytes could move from one to the next."""
    if any(len(each) != HASH_BYTES for each in hashes):
        message = f"Every hash of a proof has {HASH_BYTES} bytes."
        raise ProofError(message)
