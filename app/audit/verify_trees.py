"""First half of `verify`: the log against its trees and checkpoints, in the order of positions.

Does anew what the follower did, and compares instead of storing. Memory grows with the
workspaces, not with the events.
"""

from collections.abc import Callable, Iterator

from psycopg import AsyncConnection

from app.audit.checkpoint import WHOLE_LOG, CheckpointKey, log_origin
from app.audit.finding import Finding, first_of
from app.audit.log_parts import Extent, Part, Scope, read_part
from app.audit.tiles import Tile
from app.audit.tree_check import TreeCheck
from app.audit.tree_store import stored_tiles
from app.tokens.principal import WORKSPACE

Tell = Callable[[str, int, int], None]
"""Is told the step, how much of it is done, and how much there is to do."""


class TreesCheck:
    """Compares over one *connection*, in whose snapshot nothing moves; mutable.

    `checkpoints` counts those that agreed.
    """

    def __init__(self, connection: AsyncConnection, key: CheckpointKey, scope: Scope) -> None:
        self._connection = connection
        self._key = key
        self._scope = scope
        self._trees: dict[str, TreeCheck] = {}
        self.checkpoints = 0

    async def run(self, extent: Extent, tell: Tell) -> Finding | None:
        """Return what is wrong first, None where everything agrees."""
        after = 0
        while after < extent.head:
            part = await read_part(self._connection, self._scope, after, extent)
            if found := first_of(await self._compare(part, extent)):
                return found
            after = part.upto
            tell("compare with the checkpoints", after, extent.head)
        return cut_off(extent, self._scope) or first_of(self._unsigned(extent))

    async def _compare(self, part: Part, extent: Extent) -> list[Finding]:
        found: list[Finding] = []
        if part.missing is not None:
            found.append(Finding(part.missing, "the event is missing"))
        names = {**part.leaves, **part.checkpoints}
        if strange := [*no_workspaces(part)]:
            return [*found, *strange]
        self._trees |= {name: self._new(name) for name in names if name not in self._trees}
        is_stored = part.upto <= extent.followed
        tiles = await self._tiles(part) if is_stored else {}
        for name in names:
            leaves, checkpoints = part.leaves.get(name, ()), part.checkpoints.get(name, ())
            stored = tiles.get(name, {}) if is_stored else None
            found += self._trees[name].take(leaves, checkpoints, stored)
            self.checkpoints += len(checkpoints)
        return found

    async def _tiles(self, part: Part) -> dict[str, dict[Tile, bytes]]:
        wanted = {n: self._trees[n].gaining(len(leaves)) for n, leaves in part.leaves.items()}
        return await stored_tiles(self._connection, wanted)

    def _new(self, name: str) -> TreeCheck:
        return TreeCheck(self._key.signer(name).verifier)

    def _unsigned(self, extent: Extent) -> Iterator[Finding]:
        for name, tree in self._trees.items():
            since = tree.unsigned_since
            if since is not None and since <= extent.followed:
                what = "no checkpoint is there of the events from here on"
                yield Finding(since, f"{what} ({log_origin(name)})")


def no_workspaces(part: Part) -> Iterator[Finding]:
    """Yield where the log names a workspace that there cannot be."""
    for name, leaves in part.leaves.items():
        if name != WHOLE_LOG and not WORKSPACE.fullmatch(name):
            yield Finding(leaves[0].position, "no workspace can have the name that stands here")


def cut_off(extent: Extent, scope: Scope) -> Finding | None:
    """Return the finding that the log ends too early, or its checkpoints do, if so."""
    kept = scope.kept.position if scope.kept else 0
    known = max(extent.followed, extent.signed, kept)
    if extent.head < known:
        what = f"the log ends before here; it went on to position {known}, as was signed"
        return Finding(extent.head + 1, what)
    if extent.followed != extent.signed:
        first = min(extent.followed, extent.signed) + 1
        return Finding(first, "the stored trees and their checkpoints do not end together")
    return None
