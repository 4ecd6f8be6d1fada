"""Signs events: adds them to the trees of their workspaces and of the whole log."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import psycopg
from psycopg import AsyncConnection

from app.audit.checkpoint import WHOLE_LOG, Checkpoint
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.errors import TreeStateError
from app.audit.merkle import leaf_hash
from app.audit.tiles import Tiles
from app.audit.tree_store import (
    NewLeaves,
    TreeUpdate,
    extend_tree,
    frontier_tiles,
    store_updates,
    stored_notes,
    stored_tiles,
)

ADVANCE_POSITION_SQL = """
UPDATE integrations.audit_follower SET position = %(position)s, verifier = %(verifier)s
WHERE position = %(before)s AND coalesce(verifier, %(verifier)s) = %(verifier)s
"""
Events = Sequence[tuple[int, str, bytes]]
"""Position, workspace and stored bytes."""


async def sign(
    connection: AsyncConnection, after: int, events: Events, signer: CheckpointSigner
) -> None:
    """Add *events*, those after position *after*, to the trees, and move past them.

    Raises:
        psycopg.errors.SerializationFailure: another process has moved on, or another key signs.
    """
    await advance_position(connection, after, events[-1][0], signer.verifier_key)
    await grow_trees(connection, after, events, signer)


async def advance_position(
    connection: AsyncConnection, before: int, position: int, verifier: str
) -> None:
    """Move from *before* to *position*, unless another process or key has done so meanwhile.

    Raises:
        psycopg.errors.SerializationFailure: it has; nothing else may be done.
    """
    values = {"before": before, "position": position, "verifier": verifier}
    cursor = await connection.execute(ADVANCE_POSITION_SQL, values)
    if cursor.rowcount != 1:
        raise psycopg.errors.SerializationFailure


async def grow_trees(
    connection: AsyncConnection, after: int, events: Events, signer: CheckpointSigner
) -> None:
    """Add *events*, those after position *after*, to the trees that they belong to, and sign.

    What is computed is computed in a thread: it takes long if many workspaces have changed.
    """
    leaves = await asyncio.to_thread(leaves_by_tree, events)
    notes = await stored_notes(connection, leaves)
    checkpoints = await asyncio.to_thread(verify_notes, notes, signer)
    require_signed(after, checkpoints.get(WHOLE_LOG))
    tiles = await stored_tiles(connection, {n: frontier_tiles(checkpoints.get(n)) for n in leaves})
    await store_updates(
        connection, await asyncio.to_thread(extend_trees, checkpoints, tiles, leaves, signer)
    )


def verify_notes(notes: Mapping[str, str], signer: CheckpointSigner) -> dict[str, Checkpoint]:
    """Return what the newest *notes* of trees say; raise NoteError if one is not ours."""
    return {name: signer.verify(name, note.encode()) for name, note in notes.items()}


def extend_trees(
    checkpoints: Mapping[str, Checkpoint],
    tiles: Mapping[str, Tiles],
    leaves: Mapping[str, NewLeaves],
    signer: CheckpointSigner,
) -> list[TreeUpdate]:
    """Return what is to be stored of each tree that has gained *leaves*."""
    return [
        extend_tree(name, checkpoints.get(name), tiles[name], gained, signer)
        for name, gained in leaves.items()
    ]


def require_signed(position: int, newest: Checkpoint | None) -> None:
    """Raise TreeStateError unless *newest*, of the whole log, is what was signed at *position*."""
    if position != (newest.head.size if newest else 0):
        message = f"The checkpoint that was signed at position {position} is missing."
        raise TreeStateError(message)


def leaves_by_tree(events: Events) -> dict[str, NewLeaves]:
    """Return what the tree of each workspace gains, and that of the whole log."""
    hashes: defaultdict[str, list[bytes]] = defaultdict(list)
    last: dict[str, int] = {}
    for position, workspace, envelope in events:
        leaf = leaf_hash(envelope)
        for name in (workspace, WHOLE_LOG):
            hashes[name].append(leaf)
            last[name] = position
    return {name: NewLeaves(gained, last[name]) for name, gained in hashes.items()}
