"""Real parts for every test: one embedded PostgreSQL a session, a migrated database a test."""

import gc
import os
import pty
import pwd
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args, get_origin

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
from tests.support.service import Service, StartService, new_data_dir, start

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


NUMBERS = count(1)


@pytest.fixture
def data_dir() -> Generator[Path]:
    """A data directory of this test alone."""
    with new_data_dir() as folder:
        yield folder


@pytest.fixture(scope="session")
def server_dsn() -> Generator[str]:
    """A PostgreSQL server of this test session alone."""
    given = os.environ.get("INTEGRATIONS_POSTGRES_BIN")  # PostgreSQL 15, say: README.md
    open_server = partial(open_embedded, durable=False, programs=Path(given) if given else None)
    with new_data_dir() as folder, open_server(folder) as server:
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


@pytest.fixture(scope="session")
def start_service() -> StartService:
    """Start a service of one's own: `with start_service(data_dir, workers="2") as service`."""
    return start


@pytest.fixture(scope="session")
def service(server_dsn: str) -> Generator[Service]:
    """One service for all tests that only talk to it, each in a workspace of its own."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared_service")
    dsn = make_conninfo(server_dsn, dbname="shared_service")
    with new_data_dir() as folder, start(folder, database_url=dsn) as running:
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
