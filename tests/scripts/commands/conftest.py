"""An installation with a backup, and an empty one to restore it to."""

import shutil
import signal
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.database.embedded import open_embedded
from tests.support.backups import Environment, add, done, new_database, settings
from tests.support.keys_command import Provider
from tests.support.service import Service, StartService, new_data_dir
from tests.support.serving import serving


@pytest.fixture(autouse=True)
def signals_as_before() -> Generator[None]:
    """Let replay, run in this process, end none of the tests behind it with SIGPIPE."""
    handler = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, handler)


@pytest.fixture(scope="session")
def given_server() -> Generator[str]:
    """Another server, on which `owner` may make roles and is no superuser."""
    with new_data_dir() as folder, open_embedded(folder, durable=False) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE ROLE owner LOGIN CREATEROLE")
        yield make_conninfo(server.dsn)


@pytest.fixture
def given(given_server: str) -> str:
    """An empty database that belongs to `owner`."""
    return new_database(given_server)


@pytest.fixture(scope="session")
def source(given_server: str, start_service: StartService) -> Generator[Environment]:
    """The settings of a stopped installation on a given server, with nine integrations."""
    with new_data_dir() as folder:
        dsn = new_database(given_server)
        with start_service(folder, database_url=dsn) as service, service.caller() as client:
            for number in range(9):
                add(client, f"SG.key-{number}")
        yield service.environment


@pytest.fixture(scope="session")
def kept(source: Environment) -> Generator[Path]:
    """A backup of `source` with its keyring."""
    with new_data_dir() as folder:
        assert done(source, "backup", "--with-keyring", folder / "backup")
        yield folder / "backup"


@pytest.fixture
def backup(kept: Path, tmp_path: Path) -> Path:
    """A copy of that backup, to be damaged."""
    return Path(shutil.copytree(kept, tmp_path / "backup"))


@pytest.fixture
def target(data_dir: Path, given: str) -> Environment:
    """The settings of a host with an empty database and data directory."""
    return settings(data_dir / "new", given)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving(Provider()) as server:
        yield server


@pytest.fixture
def start(start_service: StartService, provider: Provider) -> StartService:
    """Start a service that asks `provider`."""

    def start(data_dir: Path, **settings: str) -> AbstractContextManager[Service]:
        url = f"SENDGRID=http://127.0.0.1:{provider.server_port}"
        return start_service(data_dir, provider_urls=url, **settings)

    return start
