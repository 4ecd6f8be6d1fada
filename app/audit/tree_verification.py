"""First half of `verify`: the log against its trees and checkpoints, in the order of positions.

Builds each tree again from the events, as the follower does, and compares it with what is stored
and was signed. Memory grows with the workspaces, not with the events.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import WHOLE_LOG, Checkpoint, log_origin
from app.audit.errors import NoteError
from app.audit.log_sections import (
    LogExtent,
    LogSection,
    PlacedLeaf,
    StoredCheckpoint,
    VerifyScope,
    read_section,
)
from app.audit.merkle import HASH_BYTES, Frontier, leaf_index
from app.audit.tiles import HEIGHT, WIDTH, Tile, Tiles, grow, tiles_gaining
from app.audit.tree_store import stored_tiles
from app.progress import ProgressCallback
from app.tokens.principal import WORKSPACE


class Finding(Struct, frozen=True):
    """What is wrong, in one line; `position` is None for what belongs to no event."""

    position: int | None
    what: str

    def __str__(self) -> str:
        """Say where and what."""
        where = "outside the log" if self.position is None else f"position {self.position}"
        return f"{where}: {self.what}"


def first_finding(findings: Iterable[Finding | None]) -> Finding | None:
    """Return the one with the lowest position, the first of equals; None if there is none."""
    return min((each for each in findings if each is not None), key=sort_key, default=None)


def sort_key(finding: Finding) -> tuple[bool, int]:
    """Return what *finding* is sorted by: what belongs to no event comes last."""
    return finding.position is None, finding.position or 0


class TreeVerification:
    """One tree, built again; mutable. Takes 32 bytes for each bit of its size."""

    def __init__(self, name: str, keys: AuditKeys) -> None:
        self._name = name
        self._keys = keys
        self._frontier = Frontier()
        self._last = 0
        self.unsigned_since: int | None = None
        """The position of the first event after those of the last checkpoint that holds."""

    def tiles_gaining(self, leaves: int) -> Iterator[Tile]:
        """Yield the tiles that hold what the next *leaves* add to the tree."""
        return tiles_gaining(self._frontier.size, leaves)

    def add_leaves(
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
        for index, leaf in enumerate(leaves, start=size):
            if leaf.sequence is not None and leaf_index(leaf.sequence) != index:
                what = f"sequence {leaf.sequence} is stored with event {index + 1} of its workspace"
                yield Finding(leaf.position, what)

    def _compare_tiles(
        self, leaves: Sequence[PlacedLeaf], size: int, gains: Tiles, tiles: Tiles
    ) -> Iterator[Finding]:
        for tile, gain in gains.items():
            index = first_mismatch(tile, gain, size, tiles)
            if index is not None:
                what = "the event is not the one that was signed"
                if tile.level:
                    what = "a stored hash is not that of the events up to here"
                yield Finding(leaves[index - size].position, what)

    def _compare(self, stored: StoredCheckpoint) -> Iterator[Finding]:
        try:
            checkpoint = self._keys.verify(self._name, stored.note)
        except NoteError as error:
            reason = str(error).removesuffix(".")
            yield Finding(stored.position, f"the checkpoint here is none of ours: {reason}")
            return
        if self._is_of(checkpoint) and matches_stored(checkpoint, stored):
            self.unsigned_since = None
        else:
            since = self.unsigned_since or 1
            what = f"the events of {checkpoint.origin} from position {since} to here are not those"
            yield Finding(stored.position, f"{what} that were signed")

    def _is_of(self, checkpoint: Checkpoint) -> bool:
        return (checkpoint.head, checkpoint.position) == (self._frontier.head, self._last)


def matches_stored(checkpoint: Checkpoint, stored: StoredCheckpoint) -> bool:
    """Return whether *checkpoint* says what is *stored* in the columns of its note."""
    return (checkpoint.head.size, checkpoint.position) == (stored.size, stored.position)


def first_mismatch(tile: Tile, gain: bytes, size: int, tiles: Tiles) -> int | None:
    """Return the index of the last leaf under the first hash of *gain* that is stored otherwise.

    *gain* is what *tile* gained when the tree had *size* leaves; None if all is as stored.
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


class TreesVerification:
    """Compares over one *connection*, in whose snapshot nothing moves; mutable.

    `checkpoints` counts those that agreed.
    """

    def __init__(self, connection: AsyncConnection, keys: AuditKeys, scope: VerifyScope) -> None:
        self._connection = connection
        self._keys = keys
        self._scope = scope
        self._trees: dict[str, TreeVerification] = {}
        self.checkpoints = 0

    async def run(self, extent: LogExtent, report: ProgressCallback) -> Finding | None:
        """Return what is wrong first, None if everything agrees."""
        after = 0
        while after < extent.head:
            part = await read_section(self._connection, self._scope, after, extent)
            if found := first_finding(await self._compare(part, extent)):
                return found
            after = part.upto
            report("compare with the checkpoints", after, extent.head)
        return truncation_finding(extent, self._scope) or first_finding(self._unsigned(extent))

    async def _compare(self, part: LogSection, extent: LogExtent) -> list[Finding]:
        found: list[Finding] = []
        if part.first_gap is not None:
            found.append(Finding(part.first_gap, "the event is missing"))
        names = {**part.leaves, **part.checkpoints}
        if strange := [*invalid_workspaces(part)]:
            return [*found, *strange]
        self._trees |= {
            name: TreeVerification(name, self._keys) for name in names if name not in self._trees
        }
        is_stored = part.upto <= extent.followed
        tiles = await self._tiles(part) if is_stored else {}
        for name in names:
            leaves, checkpoints = part.leaves.get(name, ()), part.checkpoints.get(name, ())
            stored = tiles.get(name, {}) if is_stored else None
            found += self._trees[name].add_leaves(leaves, checkpoints, stored)
            self.checkpoints += len(checkpoints)
        return found

    async def _tiles(self, part: LogSection) -> dict[str, dict[Tile, bytes]]:
        wanted = {n: self._trees[n].tiles_gaining(len(leaves)) for n, leaves in part.leaves.items()}
        return await stored_tiles(self._connection, wanted)

    def _unsigned(self, extent: LogExtent) -> Iterator[Finding]:
        for name, tree in self._trees.items():
            since = tree.unsigned_since
            if since is not None and since <= extent.followed:
                what = "no checkpoint is there of the events from here on"
                yield Finding(since, f"{what} ({log_origin(name)})")


def invalid_workspaces(part: LogSection) -> Iterator[Finding]:
    """Yield each place at which the log names a workspace that there cannot be."""
    for name, leaves in part.leaves.items():
        if name != WHOLE_LOG and not WORKSPACE.fullmatch(name):
            yield Finding(leaves[0].position, "no workspace can have the name that stands here")


def truncation_finding(extent: LogExtent, scope: VerifyScope) -> Finding | None:
    """Return the finding that the log ends too early, or its checkpoints do, if so."""
    external = scope.external.position if scope.external else 0
    known = max(extent.followed, extent.signed, external)
    if extent.head < known:
        what = f"the log ends before here; the signed log reaches position {known}"
        return Finding(extent.head + 1, what)
    if extent.followed != extent.signed:
        first = min(extent.followed, extent.signed) + 1
        return Finding(first, "the stored trees and their checkpoints do not end together")
    return None
