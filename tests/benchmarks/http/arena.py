"""Where both are measured: one PostgreSQL with a database for each, and both servers, filled."""

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from app.database.embedded import open_embedded
from tests.benchmarks.http.contestants import Contestant, ours, peer
from tests.benchmarks.http.filling import fill
from tests.benchmarks.http.machine import Cores
from tests.benchmarks.http.pace import Site
from tests.benchmarks.http.scenarios import Filled
from tests.benchmarks.http.tokens import tokens_for, write_public_key

DATABASES = ("ours", "peer", "appends")


class Side(Struct, frozen=True):
    """A contestant and what it holds."""

    contestant: Contestant
    filled: Filled


class Arena(Struct, frozen=True):
    """Both sides, and where they are; which version of PostgreSQL."""

    ours: Side
    peer: Side
    site: Site
    postgresql: str


@contextmanager
def arena(folder: Path, uvicorn: Path, cores: Cores, workspaces: int) -> Generator[Arena]:
    """Run both, servers on one core, all else, this process too, on the other.

    Raises:
        CannotRunError, EmbeddedServerError: one does not start.
        FailedRequestsError: one cannot be filled.
    """
    os.sched_setaffinity(0, {cores.load})  # and with it PostgreSQL's and the load's, our children
    pin = ("taskset", "--cpu-list", str(cores.servers))
    with open_embedded(folder) as server:
        make_databases(server.dsn)
        dsn = make_conninfo(server.dsn, dbname="ours")
        with (
            ours(folder, *pin, database_url=dsn) as us,
            peer(
                folder,
                *pin,
                uvicorn=uvicorn,
                public_key=write_public_key(folder),
                database_url=url_of(server.dsn, "peer"),
            ) as them,
        ):
            filled = [side(contestant, folder, workspaces) for contestant in (us, them)]
            tidy(server.dsn)
            site = Site(server.dsn, folder, cores)
            yield Arena(filled[0], filled[1], site, version_of(server.dsn))


def side(contestant: Contestant, folder: Path, workspaces: int) -> Side:
    """Fill *contestant*, and return it with what it holds."""
    readers = tokens_for(folder, [f"reads-{number}" for number in range(workspaces)])
    writers = tokens_for(folder, [f"writes-{number}" for number in range(workspaces)])
    return Side(contestant, asyncio.run(fill(contestant.address, readers, writers)))


def make_databases(dsn: str) -> None:
    """Make a database for each of DATABASES."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in DATABASES:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))


def version_of(dsn: str) -> str:
    """Return the version of the server."""
    with psycopg.connect(dsn) as connection:
        number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"


def tidy(dsn: str) -> None:
    """Leave neither side's vacuum to the rounds."""
    for name in ("ours", "peer"):
        with psycopg.connect(make_conninfo(dsn, dbname=name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


def url_of(dsn: str, database: str) -> str:
    """Return *dsn* as a URL for *database*, as SQLAlchemy takes it."""
    parts = conninfo_to_dict(dsn)
    where = urlencode({"host": parts["host"], "port": parts["port"]})
    return f"postgresql://{parts['user']}@/{database}?{where}"


def warm_start(folder: Path) -> tuple[float, float]:
    """Return how long our second start takes to ready, in s, and its idle memory in MB.

    The database is the embedded one, and its start is part of it.
    """
    folder.mkdir()
    with ours(folder):
        pass
    started = time.perf_counter()
    with ours(folder) as again:
        return time.perf_counter() - started, again.memory()
