"""Reads the log section by section, with the checkpoints of each, for `verify`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import class_row

from app.audit.checkpoint import WHOLE_LOG
from app.audit.merkle import leaf_hash
from app.audit.tree_store import follower_position, head_position, scalar

BATCH_SIZE = 1_000  # events
SIGNED_POSITION_SQL = (
    "SELECT coalesce(max(position), 0) FROM integrations.audit_checkpoints WHERE workspace_id = '*'"
)
READ_EVENTS_SQL = """
SELECT position, workspace_id, sequence, envelope FROM integrations.events
WHERE position > %(after)s AND position <= %(upto)s
    AND (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
ORDER BY position LIMIT %(limit)s
"""
READ_CHECKPOINTS_SQL = """
SELECT workspace_id AS name, size, position, convert_to(note, 'UTF8') AS note
FROM integrations.audit_checkpoints
WHERE position > %(after)s AND position <= %(upto)s
    AND (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
"""
LogRow = tuple[int, str, int, bytes]
"""Position, workspace, sequence and envelope."""


class PlacedLeaf(NamedTuple):
    """The hash of an event's stored bytes, its position, and its sequence in its workspace.

    In the tree of the whole log a leaf has only its position.
    """

    position: int
    hash: bytes
    sequence: int | None = None


class StoredCheckpoint(Struct, frozen=True):
    """A checkpoint, stored or from outside: a signed note, and what its columns repeat."""

    name: str
    size: int
    position: int
    note: bytes


class VerifyScope(Struct, frozen=True):
    """What is verified: one workspace or all, and a checkpoint that was stored elsewhere."""

    workspace: str | None = None
    external: StoredCheckpoint | None = None


class LogExtent(Struct, frozen=True):
    """Up to which position there are events, stored trees, and checkpoints."""

    head: int
    followed: int
    signed: int


class LogSection(Struct, frozen=True):
    """What stands up to a position: leaves and checkpoints of each tree, oldest first.

    `first_gap` is the first position without an event; what comes after it is left out.
    """

    upto: int
    leaves: Mapping[str, Sequence[PlacedLeaf]]
    checkpoints: Mapping[str, Sequence[StoredCheckpoint]]
    first_gap: int | None


async def read_extent(connection: AsyncConnection) -> LogExtent:
    """Return how far everything goes."""
    return LogExtent(
        head=await head_position(connection),
        followed=await follower_position(connection),
        signed=await scalar(connection, SIGNED_POSITION_SQL),
    )


async def read_section(
    connection: AsyncConnection, scope: VerifyScope, after: int, extent: LogExtent
) -> LogSection:
    """Return what stands after position *after*; a section also ends with the stored trees."""
    upto = extent.followed if after < extent.followed < extent.head else extent.head
    parameters = {"after": after, "upto": upto, "workspace": scope.workspace}
    cursor = await connection.execute(
        READ_EVENTS_SQL, {**parameters, "limit": BATCH_SIZE}, binary=True
    )
    events = await cursor.fetchall()
    if len(events) == BATCH_SIZE:
        upto = events[-1][0]
    missing = None if scope.workspace else find_first_gap(events, after, upto)
    known = [event for event in events if missing is None or event[0] < missing]
    checkpoints = await checkpoints_in(connection, scope, after, upto)
    return LogSection(upto, leaves_by_tree(known, scope), checkpoints, missing)


def find_first_gap(events: Sequence[LogRow], after: int, upto: int) -> int | None:
    """Return the first position after *after* up to *upto* that none of *events* has."""
    positions = [position for position, *_ in events]
    expected = range(after + 1, upto + 1)
    if positions == [*expected]:
        return None
    return next(e for e, p in zip_longest(expected, positions) if e != p)


def leaves_by_tree(events: Iterable[LogRow], scope: VerifyScope) -> dict[str, list[PlacedLeaf]]:
    """Return the leaves of the trees that *scope* speaks of."""
    leaves: defaultdict[str, list[PlacedLeaf]] = defaultdict(list)
    for position, workspace, sequence, envelope in events:
        leaf = PlacedLeaf(position, leaf_hash(envelope), sequence)
        leaves[workspace].append(leaf)
        if scope.workspace is None:
            leaves[WHOLE_LOG].append(PlacedLeaf(position, leaf.hash))
    return leaves


async def checkpoints_in(
    connection: AsyncConnection, scope: VerifyScope, after: int, upto: int
) -> dict[str, list[StoredCheckpoint]]:
    """Return the checkpoints after *after* up to *upto*, the external one among them."""
    cursor = connection.cursor(row_factory=class_row(StoredCheckpoint))
    parameters = {"after": after, "upto": upto, "workspace": scope.workspace}
    await cursor.execute(READ_CHECKPOINTS_SQL, parameters, binary=True)
    found = await cursor.fetchall()
    if scope.external and after < scope.external.position <= upto:
        found.append(scope.external)
    checkpoints: defaultdict[str, list[StoredCheckpoint]] = defaultdict(list)
    for checkpoint in sorted(found, key=lambda each: each.size):
        checkpoints[checkpoint.name].append(checkpoint)
    return checkpoints
