"""The write path's parts over a database of this test alone, and what is written in tests."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.pools import Pool, open_pool
from app.event_store.batch import event_item
from app.event_store.codec import decode_recorded, encoder
from app.event_store.protocol import Changeset
from app.secrets.sealing import SealedSecret
from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import (
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationToggled,
)
from projections.history import HistoryEntry, history_entry, name_after, previous_values
from projections.integration_view import IntegrationRow, integration_view
from projections.registry import PROJECTIONS

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
EVENTS: dict[str, IntegrationEvent] = {
    "INTEGRATION_ADDED": IntegrationCreated(
        name="Mail", type="SENDGRID", channel="EMAIL", is_active=True
    ),
    "INTEGRATION_REMOVED": IntegrationDeleted(),
    "INTEGRATION_ENABLED": IntegrationToggled(is_active=True),
}
HEAD = "SELECT integrations.head()"
APPEND = "SELECT integrations.append(%s::jsonb)"
Happened = tuple[str, str, int, str]
"""Stream, actor, second after noon and action of an event."""


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def service_account(rsa_key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The JSON of a service account, whose addresses lead astray."""
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "type": "service_account",
        "project_id": "our-project",
        "private_key_id": "k1",
        "private_key": pem.decode(),
        "client_email": "sender@our-project.iam.gserviceaccount.com",
        "token_uri": "https://127.0.0.1:9/astray",
        "auth_uri": "http://127.0.0.1:9/astray",
    }


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
def write_of() -> Callable[..., Changeset]:
    """Return what a command led to: `write_of(*events, after=history, stream=…)`."""
    return written


def written(
    *events: IntegrationEvent,
    after: Sequence[Envelope] = (),
    workspace: str = "demo",
    stream: str = "int_1",
    sealed: Sequence[SealedSecret] = (),
    deletes_secrets: bool = False,
) -> Changeset:
    """Return *events* that follow *after*, a minute each, with the rows of all projections."""
    before = {name: projection.fold(after) for name, projection in PROJECTIONS.items()}
    rows, new = before, list[Envelope]()
    for version, event in enumerate(events, start=len(after) + 1):
        row = rows[integration_view.name]
        envelope = Envelope(
            workspace=workspace,
            stream=stream,
            version=version,
            at=datetime(2026, 11, 5, 9, version % 60, 0, 123000, UTC),
            metadata=EventMetadata(actor=Actor(sub="user-1")),
            name=name_after(row, event),
            before=previous_values(row, event),
            event=event,
        )
        new.append(envelope)
        rows = {name: p.evolve(rows[name], envelope) for name, p in PROJECTIONS.items()}
    return Changeset(
        workspace=workspace,
        stream=stream,
        envelopes=new,
        before=before,
        rows=rows,
        sealed=sealed,
        deletes_secrets=deletes_secrets,
    )


class StoryTeller:
    """Appends events by the log's own function; all actions at any time."""

    def __init__(self, admin: Connection[TupleRow]) -> None:
        self.admin = admin
        self.versions: Counter[tuple[str, str]] = Counter()
        self.shown: dict[tuple[str, str], IntegrationRow | None] = {}

    def append(self, workspace: str, happened: Sequence[Happened]) -> list[HistoryEntry]:
        """Append together what *happened*, each by a command of its own; return the entries."""
        [head] = self.admin.execute(HEAD).fetchone() or (0,)
        events = [self._event(workspace, each) for each in happened]
        items = msgspec.json.encode([*map(event_item, events)]).decode()
        self.admin.execute(APPEND, (items,))
        return [
            history_entry(decode_recorded(at, encoder.encode(event)))
            for at, event in enumerate(events, head + 1)
        ]

    def append_much(self, workspace: str, amount: int, random: Random) -> list[HistoryEntry]:
        """Append *amount* random events, some of them together; return their entries."""
        return [e for happened in much(amount, random) for e in self.append(workspace, happened)]

    def _event(self, workspace: str, happened: Happened) -> Envelope:
        stream, actor, second, action = happened
        self.versions[workspace, stream] += 1
        row, event = self.shown.get((workspace, stream)), EVENTS[action]
        envelope = Envelope(
            workspace=workspace,
            stream=stream,
            version=self.versions[workspace, stream],
            at=NOON + timedelta(seconds=second),
            metadata=EventMetadata(actor=Actor(sub=actor)),
            name=name_after(row, event),
            before=previous_values(row, event),
            event=event,
        )
        self.shown[workspace, stream] = integration_view.evolve(row, envelope)
        return envelope


def much(amount: int, random: Random) -> Iterator[list[Happened]]:
    """Yield what happened, some of it together, now and then late."""
    happened = [
        (
            random.choice(["int_1", "int_2"]),
            random.choice(["ann", "bob", "INTEGRATION_ADDED ann"]),
            number * 10 // amount if random.random() < 0.9 else random.randint(0, 9),
            random.choice([*EVENTS]),
        )
        for number in range(amount)
    ]
    while happened:
        size = random.choice([1, 50, 700])
        yield happened[:size]
        happened = happened[size:]


@pytest.fixture
def told(admin: Connection[TupleRow]) -> StoryTeller:
    """What appends to this test's database."""
    return StoryTeller(admin)
