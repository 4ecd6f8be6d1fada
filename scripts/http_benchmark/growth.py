"""Does a request cost more where there is more? GET, a page of a list, and an append, beside size.

Each size is a database of its own, filled by SQL with events as the service encodes them, its views
made by the rebuild that operators run.
"""

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
import psutil
import psycopg
from msgspec import Struct
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from app.database.migrate import migrate
from app.log.mapper import encoder
from app.views.rebuilding.rebuild import chosen, rebuild
from app.views.rebuilding.versions import adopt_versions
from projections.catalogue import ALL_VIEWS
from scripts.http_benchmark.contestants import Contestant, ours
from scripts.http_benchmark.load import probe, run_round, write_requests
from scripts.http_benchmark.pace import Pace, Site
from scripts.http_benchmark.report import markdown
from scripts.http_benchmark.scenarios import PATH, Request, creation, shuffled
from scripts.http_benchmark.tokens import tokens_for
from scripts.log_benchmark.appending import writes

CONNECTIONS = 32
PAGE = 20  # integrations
SAMPLE = 5_000  # requests of a kind
WARM_UP = 3  # seconds, at least
ENOUGH = 3  # requests for each workspace: in any order, nearly all of them have come by then
FILL = """
INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
SELECT n, workspace, stream, 1, 'IntegrationCreated', convert_to(
    replace(replace(%(envelope)s, %(workspace)s, workspace), %(stream)s, stream), 'UTF8'
)
FROM generate_series(1, %(amount)s) AS n, LATERAL (
    SELECT 'grown-' || n %% %(workspaces)s, 'int_01m84sn0f6e788c7my' || lpad(n::text, 8, '0')
) AS place (workspace, stream)
"""


BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
"""
HASTE = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "8GB"}


class Size(Struct, frozen=True):
    """How many integrations, in how many workspaces."""

    integrations: int
    workspaces: int

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"grown_{self.integrations}_{self.workspaces}"


class Cost(NamedTuple):
    """Of a request, in µs: its share of the time, and the service's and database's processors'."""

    wall: float
    service: float
    database: float

    @property
    def processor(self) -> float:
        """What both compute."""
        return self.service + self.database


class Grown(Struct, frozen=True):
    """The costs in all rounds, by what was asked."""

    size: Size
    costs: dict[str, list[Cost]]

    def cost(self, name: str) -> Cost:
        """Return the median of each figure."""
        return Cost(*map(median, zip(*self.costs[name], strict=True)))


Kind = Callable[[Size, Sequence[str], int], Request]


def get(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Get one, wherever it lies."""
    n = number * size.integrations // SAMPLE + 1
    return Request("GET", f"{PATH}/{stream(n)}", tokens[n % size.workspaces])


def page(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Get a page of a list."""
    return Request("GET", f"{PATH}?limit={PAGE}", tokens[number % size.workspaces])


def append(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Create one."""
    return creation(tokens[number % size.workspaces])


KINDS: dict[str, Kind] = {"get": get, "page": page, "append": append}


def measured_growth(site: Site, sizes: Sequence[Size], pace: Pace) -> list[Grown]:
    """Fill a database for each of *sizes*, and measure them.

    Raises:
        FailedRequestsError: a request failed.
    """
    tokens = tokens_for(
        site.folder, [f"grown-{n}" for n in range(max(s.workspaces for s in sizes))]
    )
    with in_haste(site.dsn):
        for size in sizes:
            tell(f"filling {size.integrations:,} in {size.workspaces:,} workspaces")
            fill(site.dsn, size)
    found = [Grown(size, {name: [] for name in KINDS}) for size in sizes]
    pin = ("taskset", "--cpu-list", str(site.cores.servers))
    file = site.folder / "growth.requests"
    for each in pace.mirrored(found):
        tell(f"measuring {each.size.integrations:,} in {each.size.workspaces:,} workspaces")
        database = make_conninfo(site.dsn, dbname=each.size.database)
        with ours(site.folder, *pin, database_url=database) as contestant:
            for name, kind in KINDS.items():
                requests = shuffled(kind(each.size, tokens, n) for n in range(SAMPLE))
                write_requests(file, requests)
                probe(contestant, requests)
                warm_up(contestant, file, each.size.workspaces)
                each.costs[name].append(cost_of(contestant, file, database, pace.seconds))
    return found


def warm_up(contestant: Contestant, file: Path, workspaces: int) -> None:
    """Send requests until each workspace's token has been verified, most probably."""
    sent = 0.0
    while sent < ENOUGH * workspaces:
        sent += run_round(contestant, file, CONNECTIONS, WARM_UP).rate * WARM_UP


def cost_of(contestant: Contestant, file: Path, database: str, seconds: int) -> Cost:
    """Return what one of the requests in *file* costs."""
    with psycopg.connect(database) as connection:
        before = backend_seconds(connection)
        found = run_round(contestant, file, CONNECTIONS, seconds)
        spent = backend_seconds(connection) - before
    return Cost(1e6 / found.rate, found.cpu, spent * 1e6 / (found.rate * seconds))


def backend_seconds(connection: psycopg.Connection[TupleRow]) -> float:
    """Return how long the processes behind all connections to its database have computed."""
    times = [psutil.Process(pid).cpu_times() for (pid,) in connection.execute(BACKENDS).fetchall()]
    return sum(each.user + each.system for each in times)


@contextmanager
def in_haste(dsn: str) -> Generator[None]:
    """Let the server take what it is given as if it could not crash; durable again afterwards."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, value in HASTE.items():
            connection.execute(SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), value))
        connection.execute("SELECT pg_reload_conf()")
        yield
        for name in HASTE:
            connection.execute(SQL("ALTER SYSTEM RESET {}").format(Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")
    os.sync()  # or the first commits would wait for all that the system still has to write


def fill(dsn: str, size: Size) -> None:
    """Make the database of *size*, its log and its views."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(size.database)))
    database = make_conninfo(dsn, dbname=size.database)
    migrate(database)
    [envelope] = next(writes(0)).envelopes
    values = {
        "envelope": encoder.encode(envelope).decode(),
        "workspace": envelope.workspace,
        "stream": envelope.stream,
        "amount": size.integrations,
        "workspaces": size.workspaces,
    }
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(FILL, values)
        adopt_versions(connection, ALL_VIEWS)  # of a log with events: nothing to compare with
        connection.execute("VACUUM (ANALYZE, FREEZE) integrations.events")
    rebuild(database, chosen([]), silent)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def tell(what: str) -> None:
    """Say what is done from now on."""
    click.echo(f"{time.strftime('%H:%M:%S')} {what}", err=True)


def silent(*_: object) -> None:
    """Tell nobody how far it is."""


def stream(number: int) -> str:
    """Return the id of integration *number*, as FILL makes it."""
    return f"int_01m84sn0f6e788c7my{number:08d}"


def growth_table(found: Sequence[Grown]) -> str:
    """Return what a request costs, and how many times the least processor time of its kind."""
    costs = (f"{name}, µs (CPU + PostgreSQL)" for name in KINDS)
    columns = ("integrations", "workspaces", *costs, *KINDS)
    least = {name: min(each.cost(name).processor for each in found) for name in KINDS}
    lines = [
        (
            f"{each.size.integrations:,}",
            f"{each.size.workspaces:,}",
            *("{:.0f} ({:.0f} + {:.0f})".format(*each.cost(name)) for name in KINDS),
            *(f"**{each.cost(name).processor / least[name]:.2f}**" for name in KINDS),
        )
        for each in found
    ]
    return markdown(columns, lines)


def sizes_up_to(integrations: int) -> list[Size]:
    """Return a thousand, a hundred thousand and a million, each in one and in 1,000 workspaces.

    A thousand in fewer, so that everywhere a page is full.
    """
    every = [n for n in (1_000, 100_000, 1_000_000) if n <= integrations]
    return [Size(n, min(workspaces, n // PAGE)) for n, workspaces in product(every, (1, 1_000))]
