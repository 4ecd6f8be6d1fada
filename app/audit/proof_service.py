"""Proves the log of a workspace to a client: its latest checkpoint, proofs, all its leaves.

Nothing is handed out that its receiver could not check: each proof was checked here before.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import Checkpoint, CheckpointKey
from app.audit.errors import ProofError, ProofNotFoundError
from app.audit.key_changes import read_key_changes
from app.audit.leaves import BATCH_SIZE, Leaf, read_leaf_batch, read_leaves
from app.audit.merkle import Node, TreeHead, subtrees
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
from app.database.pools import Pool
from app.database.row_level_security import workspace_connection


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


class Inclusions(Struct, frozen=True):
    """Proofs of many events at once; the positions in `failed` are not as they were signed.

    `not_signed` are those where no event of the workspace is that the newest checkpoint has.
    """

    proved: Sequence[Inclusion]
    not_signed: Sequence[int]
    failed: Sequence[int]
    newest: SignedCheckpoint


class Consistency(Struct, frozen=True):
    """That the tree `second` begins with the tree `first`; `newest` begins with both."""

    first: TreeHead
    second: TreeHead
    proof: Sequence[bytes]
    newest: SignedCheckpoint


class NoCheckpointError(ProofNotFoundError):
    """There is no checkpoint yet."""


class ProofService:
    """Reads over a pool of connections of the role for reading the past; *key* is what signs."""

    def __init__(self, pool: Pool, key: CheckpointKey) -> None:
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
        found = await self.inclusions(workspace, [position])
        if found.failed:
            message = f"The event at position {position} is not as it was signed."
            raise ProofError(message)
        if found.not_signed:
            message = f"No signed event of the workspace is at position {position}."
            raise ProofNotFoundError(message)
        return found.proved[0]

    async def inclusions(self, workspace: str, positions: Sequence[int]) -> Inclusions:
        """Prove, if it can, that the events at *positions* are in the newest checkpoint.

        Raises:
            NoCheckpointError: none was signed yet.
            UnavailableError: the database is away or busy.
        """
        async with self._within(workspace) as connection:
            newest = await self._newest(connection, workspace)
            size = newest.checkpoint.head.size
            stored = await read_leaves(connection, workspace, positions)
            leaves = [leaf for leaf in stored if leaf.index < size]
            plans = [inclusion_plan(leaf.index, size) for leaf in leaves]
            nodes = {node for plan in plans for node in plan_nodes(plan)}
            tiles = await read_tiles(connection, workspace, [*nodes])
        proved = [
            Inclusion(leaf.position, leaf.hash, leaf.index, assemble_proof(plan, tiles), newest)
            for leaf, plan in zip(leaves, plans, strict=True)
        ]
        failed = [each.position for each in proved if not is_proved(each)]
        signed = {leaf.position for leaf in leaves}
        return Inclusions(
            [each for each in proved if each.position not in failed],
            [position for position in positions if position not in signed],
            failed,
            newest,
        )

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
        count, full = 0, True
        while full:
            async with self._within(workspace) as connection:
                batch = await read_leaf_batch(connection, workspace, count)
            for leaf in batch:
                yield leaf
                count = leaf.index + 1
            full = len(batch) == BATCH_SIZE

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


def is_proved(inclusion: Inclusion) -> bool:
    """Return whether the proof of *inclusion* leads to its checkpoint."""
    head = inclusion.newest.checkpoint.head
    try:
        verify_inclusion(inclusion.leaf, inclusion.index, inclusion.proof, head)
    except ProofError:
        return False
    return True


async def read_tiles(connection: AsyncConnection, workspace: str, nodes: Sequence[Node]) -> Tiles:
    """Return the tiles of *workspace* that hold *nodes*."""
    return (await stored_tiles(connection, {workspace: tiles_of(nodes)}))[workspace]
