"""Real parts for every test: one embedded PostgreSQL a session, a migrated database a test."""

import gc
import os
import pty
import pwd
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import UnionType
from typing import Any, cast, get_args, get_origin

import httpx2
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from app.database.embedded import open_embedded
from app.database.migrate import migrate
from app.providers.registry import load_providers
from app.settings import read_settings
from scripts.commands.issue_token import issue

# Hypothesis asks to be told of garbage collections. One that falls into ast.parse, by which pytest
# reads tests, ends it in CPython 3.11 with "AST constructor recursion depth mismatch".
gc.disable()
# A shell that starts us in the background lets us ignore Ctrl-C, and all that we start inherits it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A machine on which others work is slow and not wrong; every test has a time-out of its own.
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Examples are the same each time: a change fails by what it changes. New ones are for scripts/fuzz,
# and for scripts/test --hypothesis-profile new-examples.
settings.register_profile("same-examples", BUSY, derandomize=True)
settings.register_profile("new-examples", BUSY)
settings.load_profile("same-examples")


def pytest_collection_finish() -> None:
    """Collect garbage again: all tests have been read."""
    gc.enable()


STARTING = 30  # seconds that a service may take to start in a test
NUMBERS = count(1)


@contextmanager
def new_data_dir() -> Generator[Path]:
    """A data directory that the account of PostgreSQL can enter; pytest's own are closed to it."""
    with TemporaryDirectory(prefix="integrations-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def data_dir() -> Generator[Path]:
    """A data directory of this test alone."""
    with new_data_dir() as folder:
        yield folder


@pytest.fixture(scope="session")
def server_dsn() -> Generator[str]:
    """A PostgreSQL server of this test session alone."""
    given = os.environ.get("INTEGRATIONS_POSTGRES_BIN")  # PostgreSQL 15, say: README.md
    start = partial(open_embedded, durable=False, programs=Path(given) if given else None)
    with new_data_dir() as folder, start(folder) as server:
        if given:
            admit_test_logins(folder, server.dsn)
        yield server.dsn


def admit_test_logins(folder: Path, dsn: str) -> None:
    """Let tests log in as roles that they make; PostgreSQL 15 does not know `all` in this file."""
    with (folder / "postgres-throwaway/pg_ident.conf").open("a") as file:
        user = pwd.getpwuid(os.geteuid()).pw_name
        file.writelines(f'service "{user}" "{login}"\n' for login in ("app-1", "service"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def debian_programs() -> Path:
    """The programs of the oldest PostgreSQL from Debian's packages; for tests that are slow."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.fail("Debian's PostgreSQL is not installed: apt-get install -y postgresql-15")
    return found[0].parent


@pytest.fixture(scope="session")
def template(server_dsn: str) -> str:
    """A migrated database that nobody is connected to, to be copied."""
    name = "migrated"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    migrate(make_conninfo(server_dsn, dbname=name))
    return name


@pytest.fixture
def dsn(server_dsn: str, template: str) -> Generator[str]:
    """A migrated, empty database of this test alone."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        copy = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")  # four times as fast
        connection.execute(copy.format(Identifier(name), Identifier(template)))
        yield make_conninfo(server_dsn, dbname=name)
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


class Service(Struct, frozen=True):
    """A started service: its address, its process, its data directory and environment."""

    address: str
    process: subprocess.Popen[str]
    environment: dict[str, str]
    log_file: Path

    def token(self, *options: str, workspace: str = "demo") -> str:
        """Return a token by the command `integrations token`."""
        command = [*INTEGRATIONS, "token", "--workspace", workspace, *options]
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=30
        ).stdout.strip()

    def client(self, *options: str, workspace: str = "demo") -> httpx2.Client:
        """Return a client with a token, an ADMIN's unless *options* say otherwise; close it."""
        token = self.token(*options, workspace=workspace)
        return httpx2.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def caller(self, workspace: str = "demo", role: str = "ADMIN") -> httpx2.Client:
        """Return a client as `client` does, but at once: no process is started for its token."""
        token = issue(
            read_settings(self.environment), workspace=workspace, subject="t", ttl=3600, role=role
        )
        return httpx2.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            verify=NO_TLS,
            trust_env=False,
        )


# No test asks a real provider, whatever it stores and checks: nobody listens there.
NO_PROVIDERS = ",".join(f"{type_}=http://127.0.0.1:9" for type_ in load_providers())
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no certificates, which takes long
INTEGRATIONS = (sys.executable, "-c", "from scripts.commands.cli import main; main()")
StartService = Callable[..., AbstractContextManager[Service]]


@contextmanager
def started(data_dir: Path, **settings: str) -> Generator[Service]:
    """Start the service as a user would, on a free port, and stop it by SIGTERM."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTEGR")}
    environment = clean | {"INTEGRATIONS_DATA_DIR": str(data_dir), "INTEGRATIONS_PORT": "0"}
    environment["INTEGRATIONS_PROVIDER_URLS"] = NO_PROVIDERS
    environment |= {f"INTEGRATIONS_{name.upper()}": value for name, value in settings.items()}
    log_file = data_dir / "service.log"
    with log_file.open("a") as log:
        process = subprocess.Popen(
            [*INTEGRATIONS, "serve"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening on http://"), log_file.read_text()
        address = line.removeprefix("Listening on ").strip()
        yield Service(address, process, environment, log_file)
    finally:
        process.terminate()
        process.communicate(timeout=STARTING)


@pytest.fixture(scope="session")
def start_service() -> StartService:
    """Start a service of one's own: `with start_service(data_dir, workers="2") as service`."""
    return started


@pytest.fixture(scope="session")
def service(server_dsn: str) -> Generator[Service]:
    """One service for all tests that only talk to it, each in a workspace of its own."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared_service")
    dsn = make_conninfo(server_dsn, dbname="shared_service")
    with new_data_dir() as folder, started(folder, database_url=dsn) as running:
        yield running


OnTerminal = Callable[..., str]


@pytest.fixture(scope="session")
def on_terminal() -> OnTerminal:
    """Run a command whose stderr is a terminal; return what that shows."""
    return shown_on_terminal


def shown_on_terminal(command: list[str], **environment: str) -> str:
    """Run *command* to its good end with stderr on a terminal of its own; return what it shows."""
    ours, theirs = pty.openpty()
    wide = {"TERM": "xterm", "COLUMNS": "160"}
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            command, env={**os.environ, **environment, **wide},
            stdout=subprocess.DEVNULL, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # what a terminal says where the last who wrote to it has left
            while piece := terminal.read(1 << 16):
                shown += piece
        assert process.wait(timeout=60) == 0, shown
    return shown.decode()


AnyOf = Callable[[UnionType], st.SearchStrategy[Any]]
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=9),  # as fields allow
    int: st.integers(1, 2**31 - 1),
}


@pytest.fixture(scope="session")
def any_of() -> AnyOf:
    """Return a Hypothesis strategy for messages of all kinds of a union: `any_of(Command)`."""
    return any_value


def any_value(kind: object) -> st.SearchStrategy[Any]:
    """Return a strategy for values of *kind*, Structs with all their fields filled."""
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, UnionType):
        return st.one_of([any_value(each) for each in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(any_value(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) is Mapping:
        return st.dictionaries(*map(any_value, get_args(kind)), max_size=3)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return st.builds(kind, **{field.name: any_value(field.type) for field in fields(kind)})
    return st.from_type(cast("type[object]", kind))
