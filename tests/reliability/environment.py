"""The environment of a fault: a PostgreSQL of its own and the service on it, removed afterwards."""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from tests.reliability.postgres import Postgres
from tests.reliability.service import Service

Route = Callable[[str], AbstractContextManager[str]]
"""Opens a route to the database: takes the direct DSN, yields the DSN for the service."""


class Environment(Struct, frozen=True):
    """The database by its direct *dsn*, the server if it is ours, the service, their folder.

    The checker reads through `dsn`, whatever stands between the service and its database.
    """

    folder: Path
    dsn: str
    service: Service
    postgres: Postgres | None = None

    @property
    def server(self) -> Postgres:
        """The server, if it is ours."""
        assert self.postgres is not None
        return self.postgres


@contextmanager
def new_folder() -> Generator[Path]:
    """Yield a directory that the account of PostgreSQL can enter; it is removed afterwards."""
    with TemporaryDirectory(prefix="faults-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def open_environment(
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    service_env: Mapping[str, str] | None = None,
    route: Route | None = None,
) -> Generator[Environment]:
    """Yield an environment with the service started.

    *settings* are PostgreSQL's, *service_env* the service's; its connections take *route*.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(new_folder())
        postgres = Postgres(folder, settings)
        stack.callback(postgres.end)
        postgres.create()
        dsn = stack.enter_context(route(postgres.dsn)) if route else postgres.dsn
        service = Service(folder, dsn, workers=workers, environment=service_env)
        stack.callback(service.end)
        service.start()
        yield Environment(folder, postgres.dsn, service, postgres)
