"""An event is for ever: every event and shape that was ever stored is still read.

stored_events.jsonl has a line for each, with the bytes as they were stored; lines are only
added. Whoever adds an event, or a field to one, adds to EXPECTED what the new line means, runs
this file, and appends the line that the failing test shows.
"""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from app.event_store.codec import decode_recorded, encoder
from domain.aggregates import DomainEvent
from domain.channel_default import DefaultChosen, DefaultCleared
from domain.envelope import Actor, Envelope, EventMetadata, PreviousValues, RecordedEvent
from domain.integration import (
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
    SenderChanged,
    SettingsChanged,
    VapidPublicKeyChanged,
)

FILE = Path(__file__).with_name("stored_events.jsonl")
WITHOUT_BEFORE = rb"\"idempotencyKey\":\"key-1\"},\"event\":"


class Line(Struct, forbid_unknown_fields=True):
    """A line of the file: the position, and the stored bytes as text."""

    position: int
    envelope: str


LINES = [msgspec.json.decode(line, type=Line) for line in FILE.read_bytes().splitlines()]

# ----- What the lines mean -----
AT = datetime(2026, 11, 5, 9, 0, 0, 123000, UTC)
FULL_ORIGIN = EventMetadata(
    actor=Actor(sub="user-1", name="Zoë 🐘", email="zoe@example.org"),
    client_address="2001:db8::1",
    request_id="req-1",
    idempotency_key="key-1",
)
BARE_ORIGIN = EventMetadata(actor=Actor(sub="user-2"))
SENDER = "int_01jmhbnh5sexrt0p1k7vtm4ttz"
API_KEY = Credential(field="apiKey", version=1, kek="kek-1-00c0ffee", commitment="b8d2" * 16)
API_SECRET = Credential(field="apiSecret", version=1, kek="kek-1-00c0ffee", commitment="0f15" * 16)
PRIVATE_KEY = Credential(field="vapidPrivateKey", version=2, kek="kek-2-00facade", commitment="ab")


def expected(
    position: int,
    version: int,
    event: DomainEvent,
    before: PreviousValues | None,
    metadata: EventMetadata = BARE_ORIGIN,
) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        workspace="demo",
        stream=SENDER,
        version=version,
        at=AT,
        metadata=metadata,
        name=getattr(event, "name", "Mail"),
        before=before,
        event=event,
    )


def of_email_default(event: RecordedEvent) -> RecordedEvent:
    return replace(event, stream="def_EMAIL", name="EMAIL")


EVERY_FIELD: PreviousValues = {
    "name": "Mail",
    "type": "SENDGRID",
    "channel": "EMAIL",
    "isActive": True,
    "senderEmail": "a@example.org",
}
EXPECTED = [
    expected(
        1,
        1,
        IntegrationCreated(
            name='Mail "Ümläut" \\ \u2028',
            type="SENDGRID",
            channel="EMAIL",
            is_active=True,
            sender_email="a@example.org",
            sender_name="A",
            sender_phone="+4930123456",
            vapid_public_key="B-key",
            credentials=(API_KEY, API_SECRET),
        ),
        None,
        FULL_ORIGIN,
    ),
    expected(
        2,
        1,
        IntegrationCreated(name="Push", type="WEB_PUSH", channel="PUSH", is_active=False),
        None,
    ),
    expected(3, 2, IntegrationToggled(is_active=False), {"isActive": True}, FULL_ORIGIN),
    expected(4, 3, IntegrationToggled(is_active=True), {"isActive": False}),
    expected(5, 4, IntegrationDeleted(), EVERY_FIELD),
    expected(6, 5, IntegrationRenamed(name="Post"), {"name": "Mail"}),
    expected(
        7,
        6,
        SenderChanged(sender_email="b@example.org", sender_name=None, sender_phone="+4930123456"),
        {"senderEmail": "a@example.org", "senderName": "A", "senderPhone": None},
    ),
    expected(8, 7, VapidPublicKeyChanged(vapid_public_key="B-new"), {"vapidPublicKey": "B-key"}),
    expected(9, 8, VapidPublicKeyChanged(vapid_public_key=None), {"vapidPublicKey": "B-new"}),
    expected(10, 9, CredentialsReplaced(credentials=(PRIVATE_KEY,)), {}),
    expected(
        11, 10, CredentialsChecked(outcome="invalid", detail="No such key", latency_ms=120), {}
    ),
    expected(2**63 - 1, 2**63 - 1, IntegrationDeleted(), EVERY_FIELD),
    expected(
        12,
        11,
        CredentialsChecked(outcome="ok", detail="It works", latency_ms=80, region="EU"),
        {},
    ),
    expected(
        13,
        1,
        IntegrationCreated(
            name="SMS",
            type="TWILIO",
            channel="SMS",
            is_active=True,
            settings={"region": "IE1", "accountSid": "AC" + "0" * 32},
        ),
        None,
    ),
    expected(14, 2, SettingsChanged(settings={"region": "US1"}), {"settings": {"region": "IE1"}}),
    expected(15, 3, SettingsChanged(settings=None), {"settings": {"region": "US1"}}),
    expected(16, 12, CredentialsDestroyed(credentials=(API_SECRET,)), {}),
    of_email_default(
        expected(17, 1, DefaultChosen(integration_id=SENDER), None, FULL_ORIGIN),
    ),
    of_email_default(expected(18, 2, DefaultCleared(), {"integrationId": SENDER})),
]


KINDS = get_args(DomainEvent)


def encoded(recorded: RecordedEvent) -> bytes:
    """Return the bytes that are stored of an event today."""
    place = {name: getattr(recorded, name) for name in Envelope.__struct_fields__}
    return encoder.encode(Envelope(**place))


def test_every_line_is_expected_and_every_expected_event_has_its_line() -> None:
    lines = [Line(position=event.position, envelope=encoded(event).decode()) for event in EXPECTED]
    missing = [msgspec.json.encode(line).decode() for line in lines[len(LINES) :]]
    assert missing == []
    assert len(LINES) == len(EXPECTED)


@pytest.mark.parametrize(("line", "meant"), [*zip(LINES, EXPECTED, strict=False)])
def test_a_stored_event_is_still_read_as_what_it_was(line: Line, meant: RecordedEvent) -> None:
    assert decode_recorded(line.position, line.envelope.encode()) == meant


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_line_of_exactly_the_bytes_that_are_stored_today(kind: type) -> None:
    today = {encoded(event) for event in EXPECTED if isinstance(event.event, kind)}
    assert today & {line.envelope.encode() for line in LINES}


@pytest.mark.parametrize("meant", EXPECTED)
def test_the_encoding_is_the_same_every_time(meant: RecordedEvent) -> None:
    again = decode_recorded(meant.position, encoded(meant))
    assert again == meant
    assert encoded(again) == encoded(meant)


@pytest.mark.parametrize("line", LINES)
def test_an_event_is_stored_under_its_name_and_not_under_a_module(line: Line) -> None:
    stored = msgspec.json.decode(line.envelope)
    assert stored["event"]["kind"] in {kind.__name__ for kind in KINDS}
    assert "domain." not in line.envelope


def test_lines_are_only_ever_added() -> None:
    commits = git("log", "--format=%H", "--", FILE.name).split()
    today = FILE.read_bytes().splitlines()
    for commit in commits:
        then = git("show", f"{commit}:./{FILE.name}").encode().splitlines()
        if WITHOUT_BEFORE in then[0]:  # the file started again once, before the first release
            break
        assert today[: len(then)] == then


def git(*arguments: str) -> str:
    """Return what git says; without git, or outside a clone, there is no history to keep to."""
    try:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607 — git is wherever the developer has it
            cwd=FILE.parent, capture_output=True, text=True, check=True, timeout=30,
        ).stdout  # fmt: skip
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no git history here")
