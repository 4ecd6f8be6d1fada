"""Fills an empty log with the events of many integrations, encoded as the service encodes them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from app.event_store.batch import event_item
from app.event_store.codec import encoder
from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
)
from projections.history import name_after, previous_values
from projections.integration_view import IntegrationRow, integration_view

PER_WORKSPACE = 100  # integrations
EVENTS_PER_INTEGRATION = 5  # events of an integration
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = {
    "position": "int8",
    "workspace_id": "text",
    "sequence": "int8",
    "stream": "text",
    "version": "int8",
    "type": "text",
    "action": "text",
    "actor_id": "text",
    "at": "timestamptz",
    "envelope": "bytea",
}
COPY = f"COPY integrations.events ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"


def fill(connection: Connection[TupleRow], events: int) -> None:
    """Append *events* events, a few to an integration; the log of *connection* is empty."""
    sequences: Counter[str] = Counter()
    with connection.cursor() as cursor:
        with cursor.copy(COPY.encode()) as copy:
            copy.set_types([*COLUMNS.values()])
            for position, envelope in enumerate(envelopes(events), start=1):
                sequences[envelope.workspace] += 1
                place = position, envelope.workspace, sequences[envelope.workspace]
                copy.write_row((*place, *columns_of(envelope)))
        cursor.execute("VACUUM (ANALYZE, FREEZE) integrations.events")


def columns_of(envelope: Envelope) -> tuple[object, ...]:
    """Return the columns of one event from its stream on."""
    event = event_item(envelope)
    return (
        event.stream, event.version, event.type, event.action, event.actor_id, event.at,
        encoder.encode(envelope),
    )  # fmt: skip


def envelopes(amount: int) -> Iterator[Envelope]:
    """Yield *amount* events: all integrations are created, then all are changed, and so on."""
    integrations = -(-amount // EVENTS_PER_INTEGRATION)
    rows: dict[int, IntegrationRow | None] = {}
    for position in range(amount):
        round_, number = divmod(position, integrations)
        event, row = lifecycle_events(number)[round_], rows.get(number)
        envelope = Envelope(
            workspace=workspace_of(number // PER_WORKSPACE),
            stream=stream_of(number),
            version=round_ + 1,
            at=START + timedelta(milliseconds=position),
            metadata=EventMetadata(
                actor=Actor(sub=f"user-{number % 50}", name="Ada", email="ada@example.org"),
                client_address="192.0.2.7",
                request_id=f"{position:032x}",
            ),
            name=name_after(row, event),
            before=previous_values(row, event),
            event=event,
        )
        rows[number] = integration_view.evolve(row, envelope)
        yield envelope


def stream_of(number: int) -> str:
    """Return the id of integration *number*."""
    return f"int_{number:026d}"


@cache
def workspace_of(number: int) -> str:
    """Return the id of the *number*-th workspace: as a platform gives them, in no order."""
    return str(UUID(int=Random(number).getrandbits(128), version=4))  # noqa: S311 — test data


def lifecycle_events(number: int) -> Sequence[IntegrationEvent]:
    """Return the events of integration *number*; one of ten is deleted in the end."""
    last = IntegrationDeleted() if number % 10 == 0 else IntegrationToggled(is_active=False)
    middle = CredentialsReplaced(credentials=(secret(2),)) if number % 2 else CHECKED
    return (
        created_event(number),
        IntegrationRenamed(name=f"Spring sale {number}"),
        SENDER,
        middle,
        last,
    )


def created_event(number: int) -> IntegrationCreated:
    """Return the first event of integration *number*."""
    return IntegrationCreated(
        name=f"Newsletter {number}",
        type="SENDGRID",
        channel="EMAIL",
        is_active=True,
        sender_email=f"news-{number}@example.org",
        sender_name="News",
        credentials=(secret(1),),
    )


def secret(version: int) -> Credential:
    """Return what an event stores of a sealed key."""
    return Credential(field="apiKey", version=version, kek="kek-1-00c0ffee", commitment="b8d2" * 16)


CHECKED = CredentialsChecked(outcome="ok", detail="The key works", latency_ms=120)
SENDER = SenderChanged(sender_email="sale@example.org", sender_name="Sale", sender_phone=None)
