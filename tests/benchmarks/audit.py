"""Measures the proof of the log: python -m tests.benchmarks.audit (docs/audit.md)."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from statistics import median

import click
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import CheckpointKey, open_checkpoint_key
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.follower import catch_up
from app.audit.follower_connection import ROLE
from app.audit.log_sections import VerifyScope
from app.audit.merkle import Frontier, leaf_hash
from app.audit.proof_service import ProofService
from app.audit.proofs import assemble_proof, inclusion_plan, verify_inclusion
from app.audit.tiles import Tile, grow
from app.audit.verify import verify
from app.database.pools import open_pool
from tests.benchmarks.log.commands import time_command
from tests.benchmarks.log.databases import open_databases
from tests.benchmarks.log.report import Figure, report
from tests.benchmarks.log.seed_data import workspace_of
from tests.benchmarks.machine import cpu

ENTRY = b"%d" + b" " * 500  # as long as a stored event
BATCH_SIZE = 10_000  # leaves


class Tree(Struct):
    """A tree with all its tiles, and the seconds that it took."""

    frontier: Frontier
    tiles: dict[Tile, bytes]
    seconds: float


@click.command("tests.benchmarks.audit")
@click.option("--events", type=click.IntRange(100), default=1_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=1_000, show_default=True)
def command(*, events: int, rounds: int) -> None:
    """Measure trees, proofs, the follower and verify on a long log; print a table in Markdown."""
    tree = build_tree(events)
    made, checked = measure_proofs(tree, rounds)
    with open_databases(events) as databases:
        time_command(databases, "rebuild")
        key = open_checkpoint_key(databases.folder, create=True)
        follow = time_call(lambda: asyncio.run(follow_log(databases.many, key)))
        answered = asyncio.run(measure_stored_proofs(databases.many, key, min(rounds, events)))
        keys = AuditKeys(key.public_key)
        proving = time_call(
            lambda: asyncio.run(verify(databases.many, keys, VerifyScope(), silent))
        )
        figures = [
            Figure(f"tree of {events:,} leaves, s", tree.seconds, "≤ 5"),
            Figure("inclusion proof made, ms", made, "≤ 5"),
            Figure("inclusion proof checked, ms", checked, "≤ 0.1"),
            Figure("the same from the database, made and checked, ms", answered, "≤ 5"),
            Figure("follower, from nothing, events/s", events / follow, ""),
            Figure("verify, events/s", events / proving, ""),
        ]
        click.echo(report(events, rounds, databases.version, cpu(), figures))


def build_tree(leaves: int) -> Tree:
    """Return the tree over *leaves* entries; making the entries is not measured."""
    tree = Tree(Frontier(), {}, 0.0)
    for start in range(0, leaves, BATCH_SIZE):
        entries = [ENTRY % number for number in range(start, min(start + BATCH_SIZE, leaves))]
        began = time.perf_counter()
        gains = grow(tree.frontier, map(leaf_hash, entries))
        tree.seconds += time.perf_counter() - began
        for tile, gain in gains.items():
            tree.tiles[tile] = tree.tiles.get(tile, b"") + gain
    return tree


def measure_proofs(tree: Tree, rounds: int) -> tuple[float, float]:
    """Return the medians, in ms, of making an inclusion proof and of checking it."""
    head = tree.frontier.head
    made: list[float] = []
    checked: list[float] = []
    for index in sample(head.size, rounds):
        leaf, began = leaf_hash(ENTRY % index), time.perf_counter()
        proof = assemble_proof(inclusion_plan(index, head.size), tree.tiles)
        between = time.perf_counter()
        verify_inclusion(leaf, index, proof, head)
        made.append((between - began) * 1000)
        checked.append((time.perf_counter() - between) * 1000)
    return median(made), median(checked)


async def follow_log(dsn: str, key: CheckpointKey) -> None:
    """Take the whole log."""
    conninfo = make_conninfo(dsn, options=f"-c role={ROLE}")
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await catch_up(connection, CheckpointSigner(key))


async def measure_stored_proofs(dsn: str, key: CheckpointKey, rounds: int) -> float:
    """Return the median, in ms, of an inclusion proof as the HTTP API answers with it."""
    workspace, taken = workspace_of(0), list[float]()
    async with open_pool(dsn, "integrations_past") as pool:
        proof_service = ProofService(pool, key)
        positions = [leaf.position async for leaf in proof_service.leaves(workspace)]
        for index in sample(len(positions), rounds):
            began = time.perf_counter()
            await proof_service.inclusion(workspace, positions[index])
            taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def time_call(work: Callable[[], object]) -> float:
    """Return how long *work* takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def silent(*_: object) -> None:
    """Report no progress."""


def sample(amount: int, rounds: int) -> Sequence[int]:
    """Return *rounds* numbers below *amount*, the same in every run."""
    return random.Random(1).choices(range(amount), k=rounds)  # noqa: S311 — a sample


if __name__ == "__main__":
    command()
