"""Does a request cost more where there is more? GET, a page of a list, and an append, beside size.

Each size is a database of its own, filled by SQL with events as the service encodes them, its views
made by the rebuild that operators run.
"""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from statistics import median

import click
import psycopg
from msgspec import Struct
from psycopg.conninfo import make_conninfo
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
SAMPLE = 5_000  # requests of a kind
WARM_UP = 3  # seconds: every token has been verified once by then
FILL = """
INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
SELECT n, workspace, stream, 1, 'IntegrationCreated', convert_to(
    replace(replace(%(envelope)s, %(workspace)s, workspace), %(stream)s, stream), 'UTF8'
)
FROM generate_series(1, %(amount)s) AS n, LATERAL (
    SELECT 'grown-' || n %% %(workspaces)s, 'int_01m84sn0f6e788c7my' || lpad(n::text, 8, '0')
) AS place (workspace, stream)
"""


class Size(Struct, frozen=True):
    """How many integrations, in how many workspaces."""

    integrations: int
    workspaces: int

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"grown_{self.integrations}_{self.workspaces}"


class Grown(Struct, frozen=True):
    """The rates of all rounds, by what was asked."""

    size: Size
    rates: dict[str, list[float]]


Kind = Callable[[Size, Sequence[str], int], Request]


def get(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Get one, wherever it lies."""
    n = number * size.integrations // SAMPLE + 1
    return Request("GET", f"{PATH}/{stream(n)}", tokens[n % size.workspaces])


def page(size: Size, tokens: Sequence[str], number: int) -> Request:
    """Get a page of a list."""
    return Request("GET", f"{PATH}?limit=20", tokens[number % size.workspaces])


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
    for size in sizes:
        click.echo(f"filling {size.integrations:,} in {size.workspaces:,} workspaces …", err=True)
        fill(site.dsn, size)
    found = [Grown(size, {name: [] for name in KINDS}) for size in sizes]
    pin = ("taskset", "--cpu-list", str(site.cores.servers))
    file = site.folder / "growth.requests"
    for each in pace.mirrored(found):
        database = make_conninfo(site.dsn, dbname=each.size.database)
        with ours(site.folder, *pin, database_url=database) as contestant:
            for name, kind in KINDS.items():
                requests = shuffled(kind(each.size, tokens, n) for n in range(SAMPLE))
                each.rates[name].append(rate_of(contestant, requests, file, pace.seconds))
    return found


def rate_of(contestant: Contestant, requests: Sequence[Request], file: Path, seconds: int) -> float:
    """Return how many of *requests* a second are answered, after a warm-up."""
    write_requests(file, requests)
    probe(contestant, requests)
    run_round(contestant, file, CONNECTIONS, min(WARM_UP, seconds))
    return run_round(contestant, file, CONNECTIONS, seconds).rate


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
        adopt_versions(connection, ALL_VIEWS)
        connection.execute(FILL, values)
        connection.execute("VACUUM (ANALYZE, FREEZE) integrations.events")
    rebuild(database, chosen([]), silent)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def silent(*_: object) -> None:
    """Tell nobody how far it is."""


def stream(number: int) -> str:
    """Return the id of integration *number*, as FILL makes it."""
    return f"int_01m84sn0f6e788c7my{number:08d}"


def growth_table(found: Sequence[Grown]) -> str:
    """Return what a request takes, in µs, and how many times the least of its kind."""
    columns = ("integrations", "workspaces", *(f"{name}, µs" for name in KINDS), *KINDS)
    least = {name: min(microseconds(each, name) for each in found) for name in KINDS}
    lines = [
        (
            f"{each.size.integrations:,}",
            f"{each.size.workspaces:,}",
            *(f"{microseconds(each, name):.0f}" for name in KINDS),
            *(f"**{microseconds(each, name) / least[name]:.2f}**" for name in KINDS),
        )
        for each in found
    ]
    return markdown(columns, lines)


def microseconds(grown: Grown, name: str) -> float:
    """Return how long the service takes for one request: the reciprocal of its rate."""
    return 1e6 / median(grown.rates[name])


def sizes_up_to(integrations: int) -> list[Size]:
    """Return a thousand, a hundred thousand and a million, each in one and in 1,000 workspaces."""
    every = (1_000, 100_000, 1_000_000)
    return [Size(*both) for both in product((n for n in every if n <= integrations), (1, 1_000))]
