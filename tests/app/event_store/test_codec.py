"""The stored bytes of an event, read."""

import json
from datetime import UTC, datetime

import pytest

from app.event_store.codec import InvalidEventError, decode_recorded, encoder
from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import IntegrationToggled

STORED = encoder.encode(
    Envelope(
        workspace="demo",
        stream="int_01jmhbnh5sexrt0p1k7vtm4ttz",
        version=1,
        at=datetime(2026, 11, 5, 9, tzinfo=UTC),
        metadata=EventMetadata(actor=Actor(sub="zoe@example.org")),
        name="Mail",
        before={"isActive": False},
        event=IntegrationToggled(is_active=True),
    )
)
NESTED = b'{"more":' + b"[" * 5_000 + b"]" * 5_000 + b"," + STORED[1:]


def test_an_event_is_at_the_position_where_it_was_found() -> None:
    assert decode_recorded(7, STORED).position == 7


def test_bytes_that_hold_another_position_are_no_event() -> None:
    elsewhere = json.dumps(json.loads(STORED) | {"position": 8}).encode()

    with pytest.raises(InvalidEventError):
        decode_recorded(7, elsewhere)


@pytest.mark.parametrize(
    "stored",
    [b"", b"{}", b"\xff", STORED[:-1], STORED.replace(b"zoe", b"\xff"), NESTED],
    ids=lambda stored: str(stored[:30]),
)
def test_bytes_that_were_never_stored_are_no_event(stored: bytes) -> None:
    with pytest.raises(
        InvalidEventError, match=r"^The stored bytes are no event that we ever stored\.$"
    ):
        decode_recorded(7, stored)
