"""The two event logs, each with a way to see what it keeps beside the events."""

from collections.abc import Generator
from contextlib import closing
from typing import Protocol

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import EventLog
from app.event_store.recorder import LibraryRecorder, open_recorder
from app.secrets.sealing import SealedSecret
from projections.integration_view import IntegrationRow
from tests.support.in_memory_log import InMemoryEventLog

SECRETS = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key, nonce, ciphertext
FROM integrations.secret_store ORDER BY workspace_id, stream, field
"""


class Observed(Protocol):
    """A log, and what a write left beside its events."""

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

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], dsn: str) -> None:
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
def observed_postgres(commands: AsyncConnectionPool[AsyncConnection], dsn: str) -> Observed:
    """The log in PostgreSQL."""
    return ObservedPostgres(commands, dsn)


@pytest.fixture
def recorder(dsn: str) -> Generator[LibraryRecorder]:
    """Our recorder, under the library's protocol."""
    log = open_recorder(dsn)
    with closing(log.datastore):
        yield log
