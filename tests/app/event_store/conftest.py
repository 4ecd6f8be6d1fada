"""The two event logs, each with a way to see what it stores next to the events."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from app.database.pools import Pool
from app.event_store.log_range import head_position
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import EventLog
from app.event_store.recorder import LibraryRecorder, open_recorder
from app.secrets.sealing import SealedSecret
from projections.integration_view import IntegrationRow
from tests.support.in_memory_log import InMemoryEventLog

APPEND = """
SELECT integrations.append(jsonb_build_array(jsonb_build_object(
    'workspace', %s::text, 'stream', %s::text, 'version', %s, 'type', 'T', 'action', 'A',
    'actor_id', 'user-1', 'at', now(), 'envelope', '{}'
)))
"""
SECRETS = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key, nonce, ciphertext
FROM integrations.secret_store ORDER BY workspace_id, stream, field
"""


class Observed(Protocol):
    """A log, and what a write left next to its events."""

    @property
    def log(self) -> EventLog:
        """The log itself."""
        ...

    def rows(self) -> list[IntegrationRow]:
        """Return the rows of the view."""
        ...

    def secrets(self) -> list[SealedSecret]:
        """Return all sealed secrets."""
        ...


class ObservedMemory:
    """The log in memory."""

    def __init__(self) -> None:
        self.log = InMemoryEventLog()

    def rows(self) -> list[IntegrationRow]:
        return [row for row in self.log.rows.values() if isinstance(row, IntegrationRow)]

    def secrets(self) -> list[SealedSecret]:
        every = [secret for kept in self.log.secrets.values() for secret in kept]
        return sorted(every, key=lambda secret: (secret.workspace, secret.stream, secret.field))


class ObservedPostgres:
    """The log in PostgreSQL, seen through a superuser's eyes."""

    def __init__(self, pool: Pool, dsn: str) -> None:
        self.log = PostgresEventLog(pool)
        self.dsn = dsn

    def rows(self) -> list[IntegrationRow]:
        with psycopg.connect(self.dsn) as connection:
            cursor = connection.cursor(row_factory=class_row(IntegrationRow))
            return cursor.execute("TABLE integrations.integration_view").fetchall()

    def secrets(self) -> list[SealedSecret]:
        with psycopg.connect(self.dsn) as connection:
            return (
                connection.cursor(row_factory=class_row(SealedSecret)).execute(SECRETS).fetchall()
            )


@pytest.fixture(params=["memory", "postgres"])
def observed(request: pytest.FixtureRequest) -> Observed:
    """Each event log in turn."""
    observing: Observed = request.getfixturevalue(f"observed_{request.param}")
    return observing


@pytest.fixture
def observed_memory() -> Observed:
    """The log in memory."""
    return ObservedMemory()


@pytest.fixture
def observed_postgres(commands: Pool, dsn: str) -> Observed:
    """The log in PostgreSQL."""
    return ObservedPostgres(commands, dsn)


@pytest.fixture
def recorder(dsn: str) -> Generator[LibraryRecorder]:
    """Our recorder, under the library's protocol, as the service has it."""
    with closing(open_recorder(dsn)) as log:
        yield log


@pytest.fixture
def owners_recorder(dsn: str) -> Generator[LibraryRecorder]:
    """Our recorder in the hands of the database's owner, who may append."""
    with closing(open_recorder(dsn, role="integrations")) as log:
        yield log


@pytest.fixture
def append(admin: Connection[TupleRow]) -> Callable[..., None]:
    """Return what appends events, whatever they say: `append(5, workspace=…, stream=…)`."""

    def append(amount: int, workspace: str = "demo", stream: str = "int_1") -> None:
        for _ in range(amount):
            admin.execute(APPEND, (workspace, stream, head_position(admin) + 1))

    return append
