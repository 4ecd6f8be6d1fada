"""integrations doctor: what is wrong with this installation, and what to do."""

import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import click
import psycopg
from msgspec import Struct

from app.audit.checkpoint import WHOLE_LOG
from app.bootstrap import load_provider_types, max_connections
from app.database.connection import acting_as
from app.database.database import open_known_database
from app.database.rights import missing_rights
from app.installation import find_foreign_keys
from app.providers.provider_urls import parse_provider_urls
from app.secrets.key_inventory import count_given_up
from app.secrets.rewrap import rewrap_connection
from app.settings import Settings, read_settings
from app.startup_checks import probe_keys, require_console_origin
from scripts.commands.cli import run
from scripts.commands.user_errors import USER_ERRORS

MIN_FREE_BYTES = 1 << 30
MAX_CLOCK_DIFFERENCE = 5.0  # seconds; tokens and leases go by the clocks of several machines
MAX_UNSIGNED_AGE = 60.0  # seconds; a running service signs every few
UNSIGNED_SQL = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(at)), 0)::float8 FROM integrations.events
WHERE position > coalesce(
    (SELECT max(size) FROM integrations.audit_checkpoints WHERE workspace_id = %s), 0
)
"""


class Finding(Struct, frozen=True):
    """What was looked at, and what is wrong with it and to be done; None if nothing is."""

    subject: str
    problem: str | None


@click.command("doctor")
def doctor_command() -> None:
    """Look at this installation, change nothing, and say in a line each what to do.

    Ends with 1 if something is wrong.
    """
    is_well = True
    for finding in examine(read_settings()):
        click.echo(f"{'ok' if finding.problem is None else '!!'}  {describe(finding)}")
        is_well = is_well and finding.problem is None
    sys.exit(0 if is_well else 1)


def describe(finding: Finding) -> str:
    """Return *finding* in one line."""
    return finding.subject if finding.problem is None else f"{finding.subject}: {finding.problem}"


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything with *settings*; without a database, at what needs none."""
    yield find_one("provider files", lambda: find_provider_problem(settings))
    yield find_one("address of the console", lambda: require_console_origin(settings))
    yield find_one("disk", lambda: find_disk_problem(settings))
    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(open_known_database(settings))
        except USER_ERRORS as error:
            yield Finding("database and schema", str(error))
            return
        yield Finding("database and schema", None)
        yield find_one("roles, rights and policies", lambda: find_rights_problem(dsn))
        yield find_one("keys and keyring", lambda: asyncio.run(find_key_problem(dsn, settings)))
        yield find_one("stored secrets", lambda: asyncio.run(find_secrets_problem(dsn)))
        yield find_one("token keys", lambda: probe_keys(settings))
        yield find_one("signing of the log", lambda: find_signing_problem(dsn))
        yield find_one("clock", lambda: find_clock_problem(dsn))
        yield find_one("connections", lambda: find_connections_problem(dsn, settings))


def find_one(subject: str, find: Callable[[], str | None]) -> Finding:
    """Return what *find* finds; an error that an operator can correct is a finding, too."""
    try:
        return Finding(subject, find())
    except USER_ERRORS as error:
        return Finding(subject, str(error))
    except psycopg.Error as error:
        return Finding(subject, f"the database refuses the look ({type(error).__name__})")


def find_provider_problem(settings: Settings) -> None:
    """Raise what is wrong with provider files and their addresses."""
    parse_provider_urls(settings, load_provider_types(settings))


def find_disk_problem(settings: Settings) -> str | None:
    """Return that the data directory is missing, or its disk nearly full."""
    if not settings.data_dir.exists():
        return f"{settings.data_dir} does not exist: the first start makes it."
    free = shutil.disk_usage(settings.data_dir).free
    if free >= MIN_FREE_BYTES:
        return None
    return f"only {free >> 20} MB are free where {settings.data_dir} is: make room."


def find_rights_problem(dsn: str) -> str | None:
    """Return that the database lacks roles, rights or policies."""
    with psycopg.connect(dsn) as connection:
        missing = missing_rights(connection)
    if not missing:
        return None
    return f"{len(missing)} missing: run integrations migrate."


async def find_key_problem(dsn: str, settings: Settings) -> str | None:
    """Return which keys are missing here, or are not the database's."""
    async with await rewrap_connection(dsn) as connection:
        problems = await find_foreign_keys(connection, settings)
    if not problems:
        return None
    return f"{'; '.join(problems)}: copy the files from the host or backup that has them."


async def find_secrets_problem(dsn: str) -> str | None:
    """Return which secrets nobody can open any more, as their KEK was given up."""
    async with await rewrap_connection(dsn) as connection:
        given_up = await count_given_up(connection)
    if not given_up:
        return None
    found = "; ".join(
        f"{rows:,} secrets are under {kek}, which was given up" for kek, rows in given_up.items()
    )
    return f"{found}: integrations keys lost KEK shows whose; have the credentials replaced."


def find_signing_problem(dsn: str) -> str | None:
    """Return that events wait for a signature longer than a running service needs."""
    with psycopg.connect(acting_as(dsn, "integrations_audit")) as connection:
        unsigned, age = connection.execute(UNSIGNED_SQL, (WHOLE_LOG,)).fetchone() or (0, 0.0)
    if age < MAX_UNSIGNED_AGE:
        return None
    return (
        f"{unsigned} events are not signed, the oldest for {age:.0f} s: start the service, or read"
        " its log and run integrations verify."
    )


def find_clock_problem(dsn: str) -> str | None:
    """Return that this machine's clock and the database's differ."""
    with psycopg.connect(dsn) as connection:
        before = time.time()
        [there] = connection.execute(
            "SELECT extract(epoch FROM clock_timestamp())::float8"
        ).fetchone() or [before]
    difference = there - (before + time.time()) / 2
    if abs(difference) <= MAX_CLOCK_DIFFERENCE:
        return None
    return f"the database's is {difference:+.0f} s from this machine's: synchronize both (NTP)."


def find_connections_problem(dsn: str, settings: Settings) -> str | None:
    """Return that the server allows fewer connections than the workers may open."""
    if settings.pooler_url is not None:
        return None
    needed = settings.workers * max_connections(settings.pool_size)
    with psycopg.connect(dsn) as connection:
        [allowed] = connection.execute(
            "SELECT current_setting('max_connections')::integer"
        ).fetchone() or [needed]
    if needed <= allowed:
        return None
    return (
        f"{settings.workers} workers may open {needed}, and the server allows {allowed}: lower"
        " INTEGRATIONS_WORKERS or INTEGRATIONS_POOL_SIZE, raise max_connections, or use a pooler."
    )


if __name__ == "__main__":
    run(doctor_command)
