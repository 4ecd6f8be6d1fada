"""The stored bytes of events."""

from datetime import UTC, datetime

from app.event_store.codec import InvalidEventError, decode_recorded, encoder
from domain.aggregates import AGGREGATES
from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import IntegrationCreated, IntegrationToggled
from projections.registry import PROJECTIONS
from tests.fuzzing.target import Target, require

POSITION = 7
CREATED = IntegrationCreated(
    name="Zoë 🐘",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="a@example.org",
)


def read_event(data: bytes) -> None:
    """Read an event, fold it, and encode it again."""
    event = decode_recorded(POSITION, data)
    require(event.position == POSITION, "an event stands where it was found")
    for projection in PROJECTIONS.values():
        projection.evolve(projection.evolve(None, event), event)
    [aggregate] = (each for each in AGGREGATES if type(event.event) in each.events)
    aggregate.decider.fold([event.event, event.event])
    stored = {name: getattr(event, name) for name in Envelope.__struct_fields__}
    again = decode_recorded(POSITION, encoder.encode(Envelope(**stored)))
    require(again == event, "an event is read as it was stored")


def encode_event(event: IntegrationCreated | IntegrationToggled) -> bytes:
    """Return *event* as it is stored."""
    return encoder.encode(
        Envelope(
            workspace="demo",
            stream="int_01jmhbnh5sexrt0p1k7vtm4ttz",
            version=1,
            at=datetime(2026, 11, 5, 9, tzinfo=UTC),
            metadata=EventMetadata(actor=Actor(sub="user-1"), idempotency_key="key-1"),
            name="Mail",
            before=None if isinstance(event, IntegrationCreated) else {"isActive": True},
            event=event,
        )
    )


TARGETS = (
    Target(
        name="event",
        read=read_event,
        refusals=(InvalidEventError,),
        examples=(encode_event(CREATED), encode_event(IntegrationToggled(is_active=False))),
        words=(
            b'"position":8,',
            b'"kind":"IntegrationDeleted"',
            b'"kind":"CredentialsReplaced"',
            b'"kind":"DefaultChosen"',
        ),
    ),
)
