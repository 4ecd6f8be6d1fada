"""Databases of different sizes: events by SQL as the service encodes them, then views and trees.

The views are made by the rebuild that operators run, the trees by the follower of the log.
"""

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import click
import psycopg
from msgspec import Struct
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from app.audit.checkpoint import open_checkpoint_key
from app.database.migrate import migrate
from app.event_store.codec import encoder
from app.views.rebuild.rebuild import rebuild
from app.views.rebuild.versions import register_versions
from projections.registry import PROJECTIONS
from tests.benchmarks.audit import follow_log
from tests.benchmarks.log.append_rate import writes

PAGE = 20  # integrations; so many has the smallest workspace
FILL = """
INSERT INTO integrations.events (
    position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
)
SELECT
    n, workspace, row_number() OVER (PARTITION BY workspace ORDER BY n), stream, 1,
    'IntegrationCreated', 'INTEGRATION_ADDED', %(actor)s, %(at)s, convert_to(
        replace(replace(%(envelope)s, %(workspace)s, workspace), %(stream)s, stream), 'UTF8'
    )
FROM generate_series(1, %(amount)s) AS n, LATERAL (
    SELECT
        'grown-' || CASE
            WHEN n <= %(page)s * %(workspaces)s THEN n %% %(workspaces)s
            ELSE greatest(
                n %% %(workspaces)s, (n * 617 + n / %(workspaces)s * 389) %% %(workspaces)s
            )
        END,
        'int_01m84sn0f6e788c7my' || lpad(n::text, 8, '0')
) AS place (workspace, stream)
"""
UNSAFE_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "8GB",
}


class Size(Struct, frozen=True):
    """How many integrations, in how many workspaces."""

    integrations: int
    workspaces: int

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"grown_{self.integrations}_{self.workspaces}"

    def workspace_of(self, number: int) -> int:
        """Return in which workspace integration *number* is, as FILL places it.

        A page of each in every workspace, and then the more the higher its number, up to twice
        the mean, as workspaces differ in size.
        """
        of = self.workspaces
        if number <= PAGE * of:
            return number % of
        return max(number % of, (number * 617 + number // of * 389) % of)


def sizes_up_to(integrations: int) -> list[Size]:
    """Return a thousand, a hundred thousand and a million, each in one and in 1,000 workspaces.

    A thousand in fewer, so that everywhere a page is full.
    """
    every = [n for n in (1_000, 100_000, 1_000_000) if n <= integrations]
    return [Size(n, min(workspaces, n // PAGE)) for n, workspaces in product(every, (1, 1_000))]


@contextmanager
def without_fsync(dsn: str) -> Generator[None]:
    """Turn off durability while the block runs, to fill databases fast."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, value in UNSAFE_SETTINGS.items():
            connection.execute(SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), value))
        connection.execute("SELECT pg_reload_conf()")
        yield
        for name in UNSAFE_SETTINGS:
            connection.execute(SQL("ALTER SYSTEM RESET {}").format(Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")
    os.sync()  # or the first commits would wait for all that the system still has to write


def fill(dsn: str, folder: Path, size: Size) -> str:
    """Make the database of *size*, its log, views and trees, which the key in *folder* signs.

    Returns how to reach it. A service that starts on it has nothing to catch up with.
    """
    log_progress(f"filling {size.integrations:,} in {size.workspaces:,} workspaces")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(size.database)))
    database = make_conninfo(dsn, dbname=size.database)
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(FILL, values_for(size))
        # Of a log with events: there is nothing to compare with.
        register_versions(connection, PROJECTIONS.values())
        connection.execute("VACUUM (ANALYZE, FREEZE) integrations.events")
    rebuild(database, [*PROJECTIONS.values()], silent)
    asyncio.run(follow_log(database, open_checkpoint_key(folder, create=True)))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return database


def values_for(size: Size) -> dict[str, object]:
    """Return what FILL is given for *size*."""
    [envelope] = next(writes(0)).envelopes
    return {
        "envelope": encoder.encode(envelope).decode(),
        "actor": envelope.metadata.actor.sub,
        "at": envelope.at,
        "workspace": envelope.workspace,
        "stream": envelope.stream,
        "amount": size.integrations,
        "workspaces": size.workspaces,
        "page": PAGE,
    }


def stream(number: int) -> str:
    """Return the id of integration *number*, as FILL makes it."""
    return f"int_01m84sn0f6e788c7my{number:08d}"


def log_progress(what: str) -> None:
    """Print what starts now."""
    click.echo(f"{time.strftime('%H:%M:%S')} {what}", err=True)


def silent(*_: object) -> None:
    """Report no progress."""
