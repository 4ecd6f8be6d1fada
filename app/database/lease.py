"""The database to use: the one that is configured, or the embedded one, kept while it is leased."""

from collections.abc import Generator
from contextlib import contextmanager

from app.database.embedded import open_embedded
from app.settings import Settings


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """Yield the libpq conninfo of the database; the embedded server runs at least until the end.

    Raises:
        EmbeddedServerError: the embedded server cannot start; one line says why.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with open_embedded(settings.data_dir) as server:
        yield server.dsn
