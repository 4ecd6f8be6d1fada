"""The database to use: the one that is configured, or the embedded one, kept while it is leased."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from app.database.embedded import EmbeddedServerError, open_embedded
from app.settings import Settings

LOOK_EVERY = 1.0  # seconds


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """Yield the libpq conninfo of the database; the embedded server runs at least until the end.

    Raises:
        EmbeddedServerError: the embedded server cannot start; one line says why.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with open_embedded(settings.data_dir) as server, brought_back(settings.data_dir):
        yield server.dsn


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
