"""Proves the log of a workspace to a client: its latest checkpoint, proofs, all its leaves.

Nothing is handed out that its receiver could not check: each proof was checked here before.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import Checkpoint, CheckpointKey
from app.audit.errors import ProofNotFoundError
from app.audit.key_changes import read_key_changes
from app.audit.merkle import Node, TreeHead, leaf_hash, leaf_index, subtrees
from app.audit.proofs import (
    assemble_proof,
    consistency_plan,
    inclusion_plan,
    plan_nodes,
    verify_consistency,
    verify_inclusion,
)
from app.audit.tiles import Tiles, stored_frontier, tiles_of
from app.audit.tree_store import stored_notes, stored_tiles
from app.database.availability import translate_unavailable
from app.database.row_level_security import workspace_connection

READ_LEAF_SQL = """
SELECT envelope, sequence FROM integrations.events WHERE workspace_id = %s AND position = %s
"""
READ_LEAVES_SQL = """
SELECT position, sequence, envelope FROM integrations.events
WHERE workspace_id = %s AND sequence > %s ORDER BY sequence LIMIT %s
"""
BATCH_SIZE = 200  # events: at most some hundred kilobytes at once


class SignedCheckpoint(Struct, frozen=True):
    """A checkpoint, the note that it was read from, and the key that verifies the note.

    `key_changes` are the notes that lead there from each key that signed before.
    """

    checkpoint: Checkpoint
    note: str
    verifier_key: str
    key_changes: Sequence[str]


class Inclusion(Struct, frozen=True):
    """That the event with the hash `leaf` is the `index`-th (from 0) of those in `newest`."""

    position: int
    leaf: bytes
    index: int
    proof: Sequence[bytes]
    newest: SignedCheckpoint


class Consistency(Struct, frozen=True):
    """That the tree `second` begins with the tree `first`; `newest` begins with both."""

    first: TreeHead
    second: TreeHead
    proof: Sequence[bytes]
    newest: SignedCheckpoint


class Leaf(Struct, frozen=True):
    """An event as it is stored, and where; `index` counts the workspace's events from 0."""

    position: int
    index: int
    envelope: bytes

    @property
    def hash(self) -> bytes:
        """The hash (32 bytes) that is in the tree."""
        return leaf_hash(self.envelope)


class NoCheckpointError(ProofNotFoundError):
    """There is no checkpoint yet."""


class ProofService:
    """Reads over a pool of connections of the role for reading the past; *key* is what signs."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], key: CheckpointKey) -> None:
        self._pool = pool
        self._key = key

    async def latest_checkpoint(self, workspace: str) -> SignedCheckpoint:
        """Return the newest checkpoint of *workspace*.

        Raises:
            NoCheckpointError: none was signed yet.
            UnavailableError: the database is away or busy.
        """
        async with self._within(workspace) as connection:
            return await self._newest(connection, workspace)

    async def inclusion(self, workspace: str, position: int) -> Inclusion:
        """Prove that the event at *position* of the log is in the newest checkpoint.

        Raises:
            ProofNotFoundError: no event of *workspace* that was signed is there.
            ProofError: the event is not as it was signed.
            UnavailableError: the database is away or busy.
        """
        async with self._within(workspace) as connection:
            newest = await self._newest(connection, workspace)
            envelope, index = await read_leaf(connection, workspace, position)
            head, leaf = newest.checkpoint.head, leaf_hash(envelope)
            plan = inclusion_plan(index, head.size)
            proof = assemble_proof(plan, await read_tiles(connection, workspace, plan_nodes(plan)))
            verify_inclusion(leaf, index, proof, head)
            return Inclusion(position, leaf, index, proof, newest)

    async def consistency(self, workspace: str, first: int, second: int) -> Consistency:
        """Prove that the first *second* events begin with the first *first* of them.

        Raises:
            ProofNotFoundError: not 0 < first <= second <= the size of the newest checkpoint.
            ProofError: the stored tree is not the one that was signed.
            UnavailableError: the database is away or busy.
        """
        async with self._within(workspace) as connection:
            newest = await self._newest(connection, workspace)
            last = newest.checkpoint.head
            plan, to_last = consistency_plan(first, second), consistency_plan(second, last.size)
            edges = [*subtrees(0, first), *subtrees(0, second)]
            nodes = [*plan_nodes(plan), *plan_nodes(to_last), *edges]
            tiles = await read_tiles(connection, workspace, nodes)
            heads = stored_frontier(first, tiles).head, stored_frontier(second, tiles).head
            proof = assemble_proof(plan, tiles)
            verify_consistency(*heads, proof)
            verify_consistency(heads[1], last, assemble_proof(to_last, tiles))
            return Consistency(*heads, proof, newest)

    async def leaves(self, workspace: str) -> AsyncGenerator[Leaf]:
        """Yield all events of *workspace*, oldest first, those without a checkpoint too.

        No more than a batch is in memory, and no connection is held between batches.

        Raises:
            UnavailableError: the database is away or busy.
        """
        sequence, full = 0, True
        while full:
            rows = await self._leaves(workspace, sequence)
            for position, sequence, envelope in rows:
                yield Leaf(position, leaf_index(sequence), envelope)
            full = len(rows) == BATCH_SIZE

    async def _leaves(self, workspace: str, after: int) -> list[tuple[int, int, bytes]]:
        async with self._within(workspace) as connection:
            cursor = await connection.execute(
                READ_LEAVES_SQL, (workspace, after, BATCH_SIZE), binary=True
            )
            return await cursor.fetchall()

    async def _newest(self, connection: AsyncConnection, workspace: str) -> SignedCheckpoint:
        notes = await stored_notes(connection, [workspace])
        if not notes:
            raise NoCheckpointError
        note, changes = notes[workspace], await read_key_changes(connection)
        keys = AuditKeys.trusting(self._key.public_key, changes)
        checkpoint = keys.verify(workspace, note.encode())
        verifier = keys.verifier(workspace, checkpoint.position)
        return SignedCheckpoint(checkpoint, note, str(verifier), changes)

    @asynccontextmanager
    async def _within(self, workspace: str) -> AsyncGenerator[AsyncConnection]:
        with translate_unavailable():
            async with workspace_connection(self._pool, workspace) as connection:
                yield connection


async def read_leaf(
    connection: AsyncConnection, workspace: str, position: int
) -> tuple[bytes, int]:
    """Return the stored bytes at *position*, and their index in the tree of *workspace*."""
    cursor = await connection.execute(READ_LEAF_SQL, (workspace, position), binary=True)
    row = await cursor.fetchone()
    if row is None:
        message = f"No event of the workspace is at position {position}."
        raise ProofNotFoundError(message)
    envelope, sequence = row
    return envelope, leaf_index(sequence)


async def read_tiles(connection: AsyncConnection, workspace: str, nodes: Sequence[Node]) -> Tiles:
    """Return the tiles of *workspace* that hold *nodes*."""
    return (await stored_tiles(connection, {workspace: tiles_of(nodes)}))[workspace]
