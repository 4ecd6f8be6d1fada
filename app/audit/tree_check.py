"""Makes one tree anew from the events and compares it with what is stored and was signed of it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from app.audit.checkpoint import Checkpoint, verify_checkpoint
from app.audit.errors import NoteError
from app.audit.finding import Finding
from app.audit.merkle import HASH_BYTES, Frontier
from app.audit.signed_note import Verifier
from app.audit.tiles import HEIGHT, WIDTH, Tile, Tiles, grow, tiles_gaining


class PlacedLeaf(NamedTuple):
    """The hash of an event's stored bytes, its position, and its sequence in a workspace's tree.

    The leaf's index in the tree is `sequence - 1`; the tree of the whole log has positions alone.
    """

    position: int
    hash: bytes
    sequence: int | None = None


class StoredCheckpoint(Struct, frozen=True):
    """A checkpoint as it is stored or was kept: a signed note, and what is said beside it."""

    name: str
    size: int
    position: int
    note: bytes


class TreeCheck:
    """One tree, made anew; mutable. Takes 32 bytes for each bit of its size."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._frontier = Frontier()
        self._last = 0
        self.unsigned_since: int | None = None
        """The position of the first event after those of the last checkpoint that holds."""

    def gaining(self, leaves: int) -> Iterator[Tile]:
        """Yield the tiles that hold what the next *leaves* add to the tree."""
        return tiles_gaining(self._frontier.size, leaves)

    def take(
        self,
        leaves: Sequence[PlacedLeaf],
        checkpoints: Sequence[StoredCheckpoint],
        tiles: Tiles | None,
    ) -> Iterator[Finding]:
        """Add *leaves* and yield what does not agree with *checkpoints* among them and *tiles*.

        *checkpoints* are in the order of their sizes. Without *tiles*, as after the last event that
        is in the stored tree, nothing is compared with it.
        """
        for checkpoint in checkpoints:
            missing = max(0, checkpoint.size - self._frontier.size)
            yield from self._grow(leaves[:missing], tiles)
            leaves = leaves[missing:]
            yield from self._compare(checkpoint)
        yield from self._grow(leaves, tiles)

    def _grow(self, leaves: Sequence[PlacedLeaf], tiles: Tiles | None) -> Iterator[Finding]:
        if not leaves:
            return
        self._last = leaves[-1].position
        if self.unsigned_since is None:
            self.unsigned_since = leaves[0].position
        size = self._frontier.size
        gains = grow(self._frontier, [leaf.hash for leaf in leaves])
        if tiles is not None:
            yield from self._compare_tiles(leaves, size, gains, tiles)
        for number, leaf in enumerate(leaves, start=size + 1):
            if leaf.sequence not in (None, number):
                what = f"sequence {leaf.sequence} is stored with event {number} of its workspace"
                yield Finding(leaf.position, what)

    def _compare_tiles(
        self, leaves: Sequence[PlacedLeaf], size: int, gains: Tiles, tiles: Tiles
    ) -> Iterator[Finding]:
        for tile, gain in gains.items():
            index = first_wrong(tile, gain, size, tiles)
            if index is not None:
                what = "the event is not the one that was signed"
                if tile.level:
                    what = "a stored hash is not that of the events up to here"
                yield Finding(leaves[index - size].position, what)

    def _compare(self, stored: StoredCheckpoint) -> Iterator[Finding]:
        try:
            checkpoint = verify_checkpoint(stored.note, self._verifier)
        except NoteError as error:
            yield Finding(stored.position, f"the checkpoint here is none of ours: {error}")
            return
        if self._is_of(checkpoint) and says(checkpoint, stored):
            self.unsigned_since = None
        else:
            since = self.unsigned_since or 1
            what = f"the events of {checkpoint.origin} from position {since} to here are not those"
            yield Finding(stored.position, f"{what} that were signed")

    def _is_of(self, checkpoint: Checkpoint) -> bool:
        return (checkpoint.head, checkpoint.position) == (self._frontier.head, self._last)


def says(checkpoint: Checkpoint, stored: StoredCheckpoint) -> bool:
    """Tell whether *checkpoint* says what is *stored* beside its note."""
    return (checkpoint.head.size, checkpoint.position) == (stored.size, stored.position)


def first_wrong(tile: Tile, gain: bytes, size: int, tiles: Tiles) -> int | None:
    """Return the index of the last leaf under the first hash of *gain* that is stored otherwise.

    *gain* is what *tile* gained when the tree had *size* leaves; None where all is as stored.
    """
    before = max(0, (size >> HEIGHT * tile.level) - tile.number * WIDTH)
    start = before * HASH_BYTES
    stored = tiles.get(tile, b"")[start : start + len(gain)]
    if stored == gain:
        return None
    same = next(
        number
        for number in range(0, len(gain), HASH_BYTES)
        if stored[number : number + HASH_BYTES] != gain[number : number + HASH_BYTES]
    )
    number = tile.number * WIDTH + before + same // HASH_BYTES
    return ((number + 1) << HEIGHT * tile.level) - 1
