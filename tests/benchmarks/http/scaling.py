"""Measures GET, a page of a list and an append at different sizes of the database.

All sizes are measured by turns, each by a service of its own on a database of its own, so that
what disturbs the machine disturbs all of them.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import psycopg
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from tests.benchmarks.http.load import probe, run_round, write_requests
from tests.benchmarks.http.report import markdown
from tests.benchmarks.http.scenarios import PATH, Request, create_request, shuffled
from tests.benchmarks.http.servers import Server, start_ours
from tests.benchmarks.http.settings import Machine, Rounds
from tests.benchmarks.http.sized_databases import (
    PAGE,
    Size,
    fill,
    log_progress,
    stream,
    without_fsync,
)
from tests.benchmarks.http.tokens import tokens_for
from tests.benchmarks.machine import pin_to_cores

CONNECTIONS = 32
SAMPLE = 5_000  # requests of a kind
BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
"""
SIGNED = "SELECT position >= integrations.head() FROM integrations.audit_follower"


class Cost(NamedTuple):
    """Of a request, in µs: the time, and the processor time of the service and of the database."""

    wall: float
    service: float
    database: float

    @property
    def processor(self) -> float:
        """What both compute."""
        return self.service + self.database


class ScalingResult(Struct, frozen=True):
    """The costs of one kind of request in all rounds."""

    costs: list[Cost]

    @property
    def cost(self) -> Cost:
        """The median of each figure."""
        return Cost(*map(median, zip(*self.costs, strict=True)))

    def times(self, least: float) -> str:
        """Return the processor time over *least*: the median, and the range of rounds."""
        rounds = [each.processor / least for each in self.costs]
        return f"**{self.cost.processor / least:.2f}** ({min(rounds):.2f} to {max(rounds):.2f})"


Kind = Callable[[Size, Sequence[str], int], Request]
Found = dict[Size, dict[str, ScalingResult]]
"""By size, and by kind of request."""


def get(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Get one, wherever it lies."""
    n = number * size.integrations // SAMPLE + 1
    return Request("GET", f"{PATH}/{stream(n)}", tokens[size.workspace_of(n)])


def page(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Get a page of a list."""
    return Request("GET", f"{PATH}?limit={PAGE}", tokens[number % size.workspaces])


def append(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Create one."""
    return create_request(tokens[number % size.workspaces])


KINDS: dict[str, Kind] = {"get": get, "page": page, "append": append}


class SizedServer(Struct, frozen=True):
    """A service on the database of one size, and files with the requests of each kind."""

    size: Size
    database: str
    server: Server
    folder: Path

    def file(self, kind: str) -> Path:
        """Return the file with the requests of *kind*."""
        return self.folder / f"{self.size.database}.{kind}"


def measure_scaling(
    machine: Machine, sizes: Sequence[Size], kinds: Sequence[str], rounds: Rounds
) -> Found:
    """Fill a database for each of *sizes*, and measure *kinds* on each in turn.

    Raises:
        FailedRequestsError: a request failed.
    """
    names = [f"grown-{n}" for n in range(max(size.workspaces for size in sizes))]
    tokens = tokens_for(machine.folder, names)
    with without_fsync(machine.dsn):
        databases = {size: fill(machine.dsn, machine.folder, size) for size in sizes}
    pin_to_cores([machine.cores.load], machine.dsn)  # filling took both
    found: Found = {size: {kind: ScalingResult([]) for kind in kinds} for size in sizes}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(start_sized_server(machine, *each, tokens))
            for each in databases.items()
        ]
        for kind in kinds:
            for each in rounds.abba_rounds(servers):
                log_progress(
                    f"{kind}: {each.size.integrations:,} in {each.size.workspaces:,} workspaces"
                )
                found[each.size][kind].costs.append(cost_of(each, kind, rounds.seconds))
    return found


@contextmanager
def start_sized_server(
    machine: Machine, size: Size, database: str, tokens: Sequence[str]
) -> Generator[SizedServer]:
    """Run a service on *database*, and write its requests into files after checking them."""
    pin = ("taskset", "--cpu-list", str(machine.cores.servers))
    with start_ours(machine.folder, *pin, database_url=database) as server:
        each = SizedServer(size, database, server, machine.folder)
        for name, kind in KINDS.items():
            requests = shuffled(kind(size, tokens, n) for n in range(SAMPLE))
            write_requests(each.file(name), requests)
            probe(server, requests)
        one_each = [page(size, tokens, n) for n in range(size.workspaces)]
        write_requests(each.file("tokens"), one_each)
        yield each


def cost_of(each: SizedServer, kind: str, seconds: int) -> Cost:
    """Return what a request of *kind* costs, until what it appended has been signed, too.

    Before that, every workspace sends one request: a token is verified again after a minute, and if
    each size is measured only briefly, that would weigh on few requests.
    """
    sent = 0.0
    while sent < each.size.workspaces:
        sent += run_round(each.server, each.file("tokens"), CONNECTIONS, 1).rate
    with psycopg.connect(each.database, autocommit=True) as connection:
        run_round(each.server, each.file(kind), CONNECTIONS, 1)
        wait_until_signed(connection)
        before = each.server.cpu_seconds(), backend_seconds(connection)
        rate = run_round(each.server, each.file(kind), CONNECTIONS, seconds).rate
        wait_until_signed(connection)
        after = each.server.cpu_seconds(), backend_seconds(connection)
    spent = (b - a for a, b in zip(before, after, strict=True))
    return Cost(1e6 / rate, *(each * 1e6 / (rate * seconds) for each in spent))


def wait_until_signed(connection: Connection[TupleRow]) -> None:
    """Wait until the follower has taken all that is in the log."""
    while connection.execute(SIGNED).fetchone() != (True,):
        time.sleep(0.1)


def backend_seconds(connection: Connection[TupleRow]) -> float:
    """Return how long the processes behind all connections to its database have computed."""
    times = [psutil.Process(pid).cpu_times() for (pid,) in connection.execute(BACKENDS).fetchall()]
    return sum(each.user + each.system for each in times)


def scaling_table(found: Found) -> str:
    """Return what a request costs, and how many times the least processor time of its kind."""
    kinds = [*next(iter(found.values()))]
    costs = (f"{kind}, µs (CPU + PostgreSQL)" for kind in kinds)
    columns = ("integrations", "workspaces", *costs, *kinds)
    least = {kind: min(of[kind].cost.processor for of in found.values()) for kind in kinds}
    lines = [
        (
            f"{size.integrations:,}",
            f"{size.workspaces:,}",
            *("{:.0f} ({:.0f} + {:.0f})".format(*of[kind].cost) for kind in kinds),
            *(of[kind].times(least[kind]) for kind in kinds),
        )
        for size, of in found.items()
    ]
    return markdown(columns, lines)
