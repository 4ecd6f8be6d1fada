"""The database to use: the configured one, or the embedded one, which runs while it is leased."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.database.connection import with_network_timeouts, with_role_prefix
from app.database.embedded import EmbeddedServer, EmbeddedServerError, open_embedded
from app.database.embedded.data_directory import ServerDirectory
from app.database.migrate import MigrationError
from app.database.schema_check import require_schema
from app.settings import Settings, SettingsError

POLL_INTERVAL = 1.0  # seconds


@contextmanager
def open_database(settings: Settings) -> Generator[str]:
    """Yield the libpq conninfo of the database; the embedded server runs at least until the end.

    Raises:
        SettingsError: an address that is set is none.
        EmbeddedServerError: the embedded server cannot start; one line says why.
    """
    validate_urls(settings)
    if settings.database_url is not None:
        yield with_role_prefix(with_network_timeouts(settings.database_url), settings.role_prefix)
        return
    start = partial(open_embedded, settings.data_dir, programs=settings.postgres_bin)
    with start() as server, keep_embedded_running(start):
        yield server.dsn


@contextmanager
def open_known_database(settings: Settings) -> Generator[str]:
    """Yield the conninfo of the database of an installation that is there, with our schema.

    For all commands that neither begin an installation nor change a schema: they make no database.

    Raises:
        SettingsError, EmbeddedServerError: as for `open_database`.
        MigrationError: there is no database yet, or its schema is another release's.
    """
    if settings.database_url is None and not has_cluster(settings.data_dir):
        message = (
            f"There is no database in {settings.data_dir}: start the service here once"
            " (integrations serve), or set INTEGRATIONS_DATA_DIR or INTEGRATIONS_DATABASE_URL."
        )
        raise MigrationError(message)
    with open_database(settings) as dsn:
        require_schema(dsn)
        yield dsn


def has_cluster(data_dir: Path) -> bool:
    """Return whether *data_dir* has an embedded database."""
    return ServerDirectory(data_dir.resolve() / "postgres", durable=True).cluster.exists()


def validate_urls(settings: Settings) -> None:
    """Raise SettingsError, without repeating it, if an address of a database cannot be read."""
    for name, address in (("DATABASE", settings.database_url), ("POOLER", settings.pooler_url)):
        if not is_address(address or ""):
            message = (
                f"INTEGRATIONS_{name}_URL is no address of a PostgreSQL database; write % @ : / ? #"
                " in a password as %25 %40 %3A %2F %3F %23."
            )
            raise SettingsError(message)


def is_address(address: str) -> bool:
    """Return whether *address* is a conninfo, and no password goes on in its host, port or name.

    An error of a connection repeats these.
    """
    try:
        parts = conninfo_to_dict(address)
    except (psycopg.ProgrammingError, UnicodeDecodeError):  # say the address, with its password
        return False
    host, port, name = (str(parts.get(each) or "") for each in ("host", "port", "dbname"))
    is_port = all(each.isdecimal() for each in port.split(",") if each)
    return is_port and "@" not in host + name


@contextmanager
def keep_embedded_running(start: Callable[[], EmbeddedServer]) -> Generator[None]:
    """Bring the embedded server back, by *start*, if its keeper is killed while the block runs."""
    leaving = Event()

    def poll() -> None:
        while not leaving.wait(POLL_INTERVAL):
            with suppress(EmbeddedServerError):  # the next poll may do better
                start().close()

    watcher = Thread(target=poll, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        leaving.set()
        watcher.join()
