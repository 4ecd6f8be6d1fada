"""The database to use: the one that is configured, or the embedded one, kept while it is leased."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psycopg

from app.database.connection import within_time
from app.database.embedded import EmbeddedServerError, open_embedded
from app.settings import Settings, SettingsError

LOOK_EVERY = 1.0  # seconds


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """Yield the libpq conninfo of the database; the embedded server runs at least until the end.

    Raises:
        SettingsError: an address that is set is none.
        EmbeddedServerError: the embedded server cannot start; one line says why.
    """
    require_addresses(settings)
    if settings.database_url is not None:
        yield within_time(settings.database_url)
        return
    with open_embedded(settings.data_dir) as server, brought_back(settings.data_dir):
        yield server.dsn


def require_addresses(settings: Settings) -> None:
    """Raise SettingsError, without repeating it, where an address of a database cannot be read."""
    for name, address in (("DATABASE", settings.database_url), ("POOLER", settings.pooler_url)):
        try:
            within_time(address or "")
        except psycopg.ProgrammingError:  # says the address again, with the password in it
            message = f"INTEGRATIONS_{name}_URL is no address of a PostgreSQL database."
            raise SettingsError(message) from None


@contextmanager
def brought_back(data_dir: Path) -> Generator[None]:
    """Bring the embedded server back, whenever its keeper is killed, while the block runs."""
    leaving = Event()

    def look() -> None:
        while not leaving.wait(LOOK_EVERY):
            with suppress(EmbeddedServerError):  # the next look may do better
                open_embedded(data_dir).close()

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        leaving.set()
        watcher.join()
