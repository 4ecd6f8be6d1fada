"""Two databases of one durable server: a log with few events, and one with many."""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from msgspec import Struct
from psycopg.conninfo import make_conninfo

from app.database.embedded import open_embedded
from app.database.migrate import migrate
from app.views.rebuild.versions import register_versions
from projections.registry import PROJECTIONS
from tests.benchmarks.log.seed_data import fill

FEW_EVENTS = 1_000  # events


class BenchmarkDatabases(Struct, frozen=True):
    """The databases `few` and `many`, and the data directory of the commands that run on them."""

    few: str
    many: str
    folder: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment of a command on the many events."""
        ours = {"INTEGRATIONS_DATABASE_URL": self.many, "INTEGRATIONS_DATA_DIR": str(self.folder)}
        return {**os.environ, **ours, "INTEGRATIONS_PORT": "0"}


@contextmanager
def open_databases(events: int) -> Generator[BenchmarkDatabases]:
    """Yield both databases, `many` with *events* events; they are removed afterwards."""
    with TemporaryDirectory(prefix="log-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account of PostgreSQL must get through
        with open_embedded(folder) as server:
            few, many = (
                create_filled_database(server.dsn, name, n)
                for name, n in (("few", FEW_EVENTS), ("many", events))
            )
            with psycopg.connect(server.dsn) as connection:
                version = connection.info.parameter_status("server_version") or "?"
            yield BenchmarkDatabases(few, many, folder, version)


def create_filled_database(dsn: str, name: str, events: int) -> str:
    """Return a new database with *events* events in its log, and views that lack them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType, reportCallIssue] — few or many
    database = make_conninfo(dsn, dbname=name)
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        register_versions(connection, PROJECTIONS.values())
        fill(connection, events)
    return database


def vacuum_and_checkpoint(dsn: str) -> None:
    """Vacuum and write a checkpoint now, so that neither runs during the next measurement.

    After a rebuild, autovacuum takes its time for the new tables, and a checkpoint writes them.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def integrations(*arguments: str) -> Sequence[str]:
    """Return the command line of `integrations …`."""
    return [sys.executable, "-c", "from scripts.commands.cli import main; main()", *arguments]
