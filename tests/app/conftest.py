"""The write path's parts over a database of this test alone, and what is written in tests."""

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from app.database.pools import open_pool
from app.log.event_log import Write
from app.secrets.sealing import SealedSecret
from domain.integration import IntegrationCreated, IntegrationEvent
from domain.recorded import Actor, Envelope, Origin
from projections.catalogue import JOURNALS, PROJECTIONS

Pool = AsyncConnectionPool[AsyncConnection]


@pytest.fixture
async def commands(dsn: str) -> AsyncGenerator[Pool]:
    """The pool of the role for commands."""
    async with open_pool(dsn, "integrations_command") as pool:
        yield pool


@pytest.fixture
async def queries(dsn: str) -> AsyncGenerator[Pool]:
    """The pool of the role for queries."""
    async with open_pool(dsn, "integrations_query") as pool:
        yield pool


@pytest.fixture
async def audits(dsn: str) -> AsyncGenerator[Pool]:
    """The pool of the role for looking back."""
    async with open_pool(dsn, "integrations_past") as pool:
        yield pool


@pytest.fixture
def admin(dsn: str) -> Generator[Connection[TupleRow]]:
    """A superuser's connection that commits by itself: who looks on, or breaks things."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def created() -> IntegrationCreated:
    """The first event of an integration."""
    return IntegrationCreated(name="Mail", type="SENDGRID", channel="EMAIL", is_active=True)


@pytest.fixture(scope="session")
def write_of() -> Callable[..., Write]:
    """Return what a command led to: `write_of(*events, after=history, stream=…)`."""
    return written


def written(
    *events: IntegrationEvent,
    after: Sequence[Envelope] = (),
    workspace: str = "demo",
    stream: str = "int_1",
    sealed: Sequence[SealedSecret] = (),
    shred: bool = False,
) -> Write:
    """Return *events* that follow *after*, a minute each, with the rows of all projections."""
    new = [
        Envelope(
            workspace=workspace,
            stream=stream,
            version=version,
            at=datetime(2026, 11, 5, 9, version % 60, 0, 123000, UTC),
            origin=Origin(actor=Actor(sub="user-1")),
            event=event,
        )
        for version, event in enumerate(events, start=len(after) + 1)
    ]
    rows = {name: projection.fold((*after, *new)) for name, projection in PROJECTIONS.items()}
    return Write(
        workspace=workspace,
        stream=stream,
        envelopes=new,
        rows=rows,
        entries={name: [*journal.entries(after, new)] for name, journal in JOURNALS.items()},
        sealed=sealed,
        shred=shred,
    )
