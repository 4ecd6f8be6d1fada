"""Makes proofs: that an event is in the tree, and that a later tree continues an earlier one.

In two steps, so that a database is asked once: a plan says which complete subtrees each hash of
the proof is made of; `tiles_of(nodes_of(plan))` says what to read; `proof_from` puts it together.
"""

from collections.abc import Sequence
from itertools import chain

from app.audit.errors import NoProofError
from app.audit.merkle import Node, fold, subtrees
from app.audit.tiles import Tiles, hash_of

Plan = Sequence[Sequence[Node]]


def inclusion_plan(index: int, size: int) -> Plan:
    """Return how to prove that the leaf at *index* (from 0) is in the tree of *size* leaves.

    RFC 9162, 2.1.3.1, from the root down; the proof itself begins at the leaf.

    Raises:
        NoProofError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        message = f"A tree of {size} leaves has no leaf {index}."
        raise NoProofError(message)
    plan: list[list[Node]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + left_half(end - start)
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
    where both are of one size.

    Raises:
        NoProofError: not 0 < first <= second. (Every tree begins with the empty one.)
    """
    if not 0 < first <= second:
        message = f"A tree of {second} leaves cannot be proved to continue one of {first}."
        raise NoProofError(message)
    plan: list[list[Node]] = []
    start, end = 0, second
    while first < end:
        middle = start + left_half(end - start)
        if first <= middle:
            plan.append(subtrees(middle, end))
            end = middle
        else:
            plan.append(subtrees(start, middle))
            start = middle
    if start > 0:  # else what is left is the whole first tree, whose root the verifier has
        plan.append(subtrees(start, end))
    return plan[::-1]


def nodes_of(plan: Plan) -> list[Node]:
    """Return the subtrees that *plan* needs."""
    return list(chain.from_iterable(plan))


def proof_from(plan: Plan, tiles: Tiles) -> list[bytes]:
    """Return the hashes (32 bytes each) of the proof that *plan* describes.

    Raises:
        TreeStateError: a tile is missing or too short.
    """
    return [fold([hash_of(node, tiles) for node in part]) for part in plan]


def left_half(leaves: int) -> int:
    """Return how many of *leaves* go to the left: the largest power of two smaller than them."""
    return 1 << ((leaves - 1).bit_length() - 1)
