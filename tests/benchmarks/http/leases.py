"""Measures leases next to get, and what a lease is made of: sealing, signing, a record."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from timeit import repeat
from typing import NamedTuple

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.access.access import Access
from app.access.journal import AccessJournal
from app.database.pools import open_pool
from app.secrets.lease import lease_info, seal_for
from app.secrets.lease_key import LeaseKey
from app.secrets.secret import Secret
from app.tokens.jwt import base64url
from domain.envelope import Actor
from tests.benchmarks.http.load import Round, probe, run_round, write_requests
from tests.benchmarks.http.report import markdown, median_of
from tests.benchmarks.http.scaling import backend_seconds
from tests.benchmarks.http.scenarios import PATH, Request, SeedData, get_one, shuffled
from tests.benchmarks.http.seed_data import fill
from tests.benchmarks.http.servers import Server, start_ours
from tests.benchmarks.http.settings import Machine, Rounds
from tests.benchmarks.http.tokens import tokens_for
from tests.benchmarks.machine import pin_to_cores

WORKSPACES = [f"leases-{number}" for number in range(10)]
CONNECTIONS = (1, 32)
FLOOR = 0.3  # of the rate of get, at 32 connections
RECORDS = 20_000
TIMES, REPEATS = 1_000, 7
KEY = X25519PrivateKey.generate().public_key().public_bytes_raw()
COLUMNS = (
    "", "connections", "requests/s", "p50 ms", "p99 ms", "CPU µs", "PostgreSQL µs", "of get",
    "at least",
)  # fmt: skip


class Kind(NamedTuple):
    """One kind of request at one number of connections."""

    name: str
    connections: int


class Measured(NamedTuple):
    """One round, and the processor time of PostgreSQL for a request, in µs."""

    round: Round
    database: float


Found = dict[Kind, list[Measured]]


def lease(data: SeedData, workers: Sequence[str]) -> Sequence[Request]:
    """Lease each integration of each workspace; *workers* are tokens in the same order."""
    return shuffled(
        Request("POST", f"{PATH}/{integration}/lease", worker)
        for workspace, worker in zip(data.workspaces, workers, strict=True)
        for integration in workspace.ids
    )


def measure_leases(machine: Machine, rounds: Rounds) -> Found:
    """Measure both kinds in turn; the service on one core, PostgreSQL and the load on the other.

    Raises:
        FailedRequestsError: a request failed.
    """
    pin_to_cores([machine.cores.load], machine.dsn)
    pin = ("taskset", "--cpu-list", str(machine.cores.servers))
    with start_ours(machine.folder, *pin, database_url=machine.dsn) as server:
        owners = tokens_for(machine.folder, WORKSPACES)
        workers = tokens_for(machine.folder, WORKSPACES, recipient=base64url(KEY))
        data = order_as(owners, asyncio.run(fill(server.address, owners, [])))
        for name, requests in (("get", get_one(data)), ("lease", lease(data, workers))):
            write_requests(machine.folder / f"{name}.requests", requests)
            probe(server, requests)
        kinds = [Kind(name, number) for number in CONNECTIONS for name in ("get", "lease")]
        found: Found = {kind: [] for kind in kinds}
        for kind in kinds:
            measure(machine, server, kind, 1)
        for kind in rounds.abba_rounds(kinds):
            found[kind].append(measure(machine, server, kind, rounds.seconds))
    return found


def order_as(tokens: Sequence[str], data: SeedData) -> SeedData:
    """Return *data* with its workspaces in the order of *tokens*."""
    by_token = {workspace.token: workspace for workspace in data.workspaces}
    return SeedData([by_token[token] for token in tokens], data.writers)


def measure(machine: Machine, server: Server, kind: Kind, seconds: int) -> Measured:
    """Return one round of *kind*."""
    file = machine.folder / f"{kind.name}.requests"
    with psycopg.connect(machine.dsn, autocommit=True) as connection:
        before = backend_seconds(connection)
        measured = run_round(server, file, kind.connections, seconds)
        spent = backend_seconds(connection) - before
    return Measured(measured, spent * 1e6 / (measured.rate * seconds))


def leases_table(found: Found) -> str:
    """Return the medians as a table in Markdown."""
    return markdown(COLUMNS, (line_of(kind, found) for kind in found))


def line_of(kind: Kind, found: Found) -> Sequence[str]:
    """Return the line of *kind*."""
    middle = median_of([each.round for each in found[kind]])
    line = (kind.name, str(kind.connections), f"{middle.rate:.0f}", f"{middle.p50:.1f}",
            f"{middle.p99:.1f}", f"{middle.cpu:.0f}",
            f"{median(each.database for each in found[kind]):.0f}")  # fmt: skip
    if kind.name == "get":
        return (*line, "", "")
    get = median_of([each.round for each in found[Kind("get", kind.connections)]])
    floor = f"{FLOOR}" if kind.connections == max(CONNECTIONS) else ""
    return (*line, f"**{middle.rate / get.rate:.2f}**", floor)


def measure_parts(dsn: str) -> str:
    """Return in one line what sealing and signing take, and what a record takes on the disk."""
    info = lease_info("demo", "int_01m84sn0f6e788c7myrj1n317m", 7, "t" * 43)
    content, key = Secret(b"c" * 200), LeaseKey(Ed25519PrivateKey.generate())
    claims = {"sealed": base64url(seal_for(KEY, content, info)), "rest": "r" * 400}
    seal, sign = (
        median(repeat(part, number=TIMES, repeat=REPEATS)) * 1e6 / TIMES
        for part in (lambda: seal_for(KEY, content, info), lambda: key.sign(claims))
    )
    size = asyncio.run(bytes_a_record(dsn))
    return (
        f"Seal {seal:.0f} µs, sign {sign:.0f} µs (median of {REPEATS} times {TIMES:,});"
        f" {size:.0f} bytes a record of the journal, its indexes included ({RECORDS:,} records)."
    )


async def bytes_a_record(dsn: str) -> float:
    """Return how much the journal grows a record."""
    size = "SELECT pg_total_relation_size('integrations.accesses')"
    with psycopg.connect(dsn, autocommit=True) as connection:
        [(before,)] = connection.execute(size)
        async with open_pool(dsn, "integrations_command") as pool:
            journal = AccessJournal(pool)
            for start in range(0, RECORDS, TIMES):
                numbers = range(start, start + TIMES)
                await asyncio.gather(*(journal.record(example(number)) for number in numbers))
        [(after,)] = connection.execute(size)
    return (after - before) / RECORDS


def example(number: int) -> Access:
    """Return a record like others, but for its purpose."""
    return Access(
        workspace="leases-0",
        integration="int_01m84sn0f6e788c7myrj1n317m",
        at=datetime.now(UTC),
        actor=Actor(sub="worker-1"),
        recipient="t" * 43,
        version=7,
        versions={"apiKey": 2},
        purpose=f"campaign:cmp_{number}",
        outcome="GRANTED",
        client_address="192.0.2.7",
        request_id="01JZ0000000000000000000000",
    )
