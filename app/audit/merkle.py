"""The Merkle tree of RFC 6962 and RFC 9162 (section 2.1 of both), with SHA-256.

Leaves are hashed after a byte 0x00, pairs after 0x01, so that nobody can pass a pair of hashes off
as an event. `Node(level, number)` is the complete subtree over the leaves from number * 2**level up
to (number + 1) * 2**level; its hash never changes once it is there.
"""

from collections.abc import Sequence
from functools import reduce
from hashlib import sha256
from typing import NamedTuple

from app.audit.errors import TreeStateError

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()  # of the tree without leaves


class TreeHead(NamedTuple):
    """How many leaves a tree has, and its root hash (32 bytes).

    They belong together: a root alone does not say its tree's size, and a proof that is checked
    against one tree's root and another's size proves nothing.
    """

    size: int
    root: bytes


class Node(NamedTuple):
    """A complete subtree: 2**level leaves, the one after `number` such subtrees."""

    level: int
    number: int


class Frontier:
    """The right edge of a growing tree: all that appending, and knowing the root, needs.

    `size` and `peaks` are what to store of it: the hashes (32 bytes) of the complete subtrees that
    `subtrees(0, size)` names, at most one for each bit of the size.

    Raises:
        TreeStateError: size and peaks do not belong together.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size < 0 or [len(peak) for peak in peaks] != [HASH_BYTES] * size.bit_count():
            message = f"A tree of {size} leaves cannot have {len(peaks)} such peaks."
            raise TreeStateError(message)
        self._size = size
        self._peaks = list(peaks)

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Return the hashes of the complete subtrees, the largest (and leftmost) first."""
        return tuple(self._peaks)

    @property
    def head(self) -> TreeHead:
        """Return size and root."""
        return TreeHead(self._size, fold(self._peaks) if self._peaks else EMPTY_ROOT)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add the hash of a leaf; return the hashes of the subtrees that are now complete.

        They are of the levels 0 (the leaf), 1, 2, …; their number is the size before, shifted right
        by the level. Two on average, so appending takes constant time, amortised.
        """
        complete, unpaired = [leaf], self._size
        while unpaired & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            complete.append(leaf)
            unpaired >>= 1
        self._peaks.append(leaf)
        self._size += 1
        return complete


def leaf_index(sequence: int) -> int:
    """Return which leaf (from 0) of its workspace's tree the event *sequence* (from 1) is."""
    return sequence - 1


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and the bytes of the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a subtree: SHA-256 of 0x01 and the hashes of its two halves."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over neighbouring subtrees, each smaller than the one left of it."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def subtrees(start: int, end: int) -> list[Node]:
    """Return the complete subtrees that the leaves from *start* up to *end* are made of.

    The largest first, which is also the leftmost. *start* is a multiple of a power of two that is
    at least end - start, as in all that the RFC's definitions speak of.
    """
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes
