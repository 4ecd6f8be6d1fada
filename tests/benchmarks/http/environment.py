"""The benchmark's environment: one PostgreSQL, and both servers, each with a database and data."""

import asyncio
import os
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from app.database.embedded import open_embedded
from tests.benchmarks.http.scenarios import SeedData
from tests.benchmarks.http.seed_data import fill
from tests.benchmarks.http.servers import Server, start_ours, start_peer
from tests.benchmarks.http.settings import Machine
from tests.benchmarks.http.tokens import tokens_for, write_public_key
from tests.benchmarks.machine import Cores

DATABASES = ("ours", "peer", "other", "appends")


class LoadedServer(Struct, frozen=True):
    """A server and the data in it."""

    server: Server
    data: SeedData


class BenchmarkEnvironment(Struct, frozen=True):
    """The servers, the machine, and the version of PostgreSQL; `other` is of another checkout."""

    ours: LoadedServer
    peer: LoadedServer
    other: LoadedServer | None
    machine: Machine
    postgresql: str

    @property
    def servers(self) -> Sequence[LoadedServer]:
        """All that are compared."""
        return [each for each in (self.ours, self.peer, self.other) if each is not None]


@contextmanager
def open_environment(
    folder: Path, uvicorn: Path, cores: Cores, workspaces: int, other: Path | None
) -> Generator[BenchmarkEnvironment]:
    """Run all servers on one core, and everything else, this process too, on the other.

    Raises:
        CannotRunError, EmbeddedServerError: one does not start.
        FailedRequestsError: one cannot be filled.
    """
    os.sched_setaffinity(0, {cores.load})  # and with it PostgreSQL's and the load's, our children
    pin = ("taskset", "--cpu-list", str(cores.servers))
    with open_embedded(folder) as postgres, ExitStack() as stack:
        make_databases(postgres.dsn)
        dsn = {name: make_conninfo(postgres.dsn, dbname=name) for name in DATABASES}
        us = stack.enter_context(start_ours(folder, *pin, database_url=dsn["ours"]))
        them = stack.enter_context(
            start_peer(
                folder,
                *pin,
                uvicorn=uvicorn,
                public_key=write_public_key(folder),
                database_url=url_of(postgres.dsn, "peer"),
            )
        )
        ours, peer = (load_server(server, folder, workspaces) for server in (us, them))
        third = None
        if other is not None:
            server = stack.enter_context(start_other(folder, other, *pin, dsn=dsn["other"]))
            third = load_server(server, folder / "other", workspaces)
        vacuum(dsn.values())
        machine = Machine(postgres.dsn, folder, cores)
        yield BenchmarkEnvironment(ours, peer, third, machine, version_of(postgres.dsn))


@contextmanager
def start_other(folder: Path, checkout: Path, *pin: str, dsn: str) -> Generator[Server]:
    """Run the service of another checkout, which has a `.venv` of its own."""
    home, program = folder / "other", checkout.absolute() / ".venv" / "bin" / "integrations"
    home.mkdir()
    with start_ours(home, *pin, database_url=dsn, name="other", program=str(program)) as server:
        yield server


def load_server(server: Server, folder: Path, workspaces: int) -> LoadedServer:
    """Fill *server*, and return it with its data."""
    readers = tokens_for(folder, [f"reads-{number}" for number in range(workspaces)])
    writers = tokens_for(folder, [f"writes-{number}" for number in range(workspaces)])
    return LoadedServer(server, asyncio.run(fill(server.address, readers, writers)))


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


def vacuum(databases: Iterable[str]) -> None:
    """Vacuum all *databases* now, so that no autovacuum runs during the rounds."""
    for dsn in databases:
        with psycopg.connect(dsn, autocommit=True) as connection:
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
    with start_ours(folder):
        pass
    started = time.perf_counter()
    with start_ours(folder) as again:
        return time.perf_counter() - started, again.memory()
