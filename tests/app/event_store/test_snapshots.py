"""What a stream comes to can be kept and gone on from; what others kept is not believed."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.event_store.protocol import Changeset
from app.event_store.snapshots import (
    SNAPSHOT_FORMATS,
    InvalidSnapshotError,
    StreamState,
    decode_snapshot,
    encode_snapshot,
)
from domain.integration import (
    Credential,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationToggled,
)

WriteOf = Callable[..., Changeset]
API_KEY = Credential(field="apiKey", version=2, kek="kek-1-00c0ffee", commitment="c0ffee")
KEPT = {
    "integration 3, integration_view 10": (
        b'{"version":3,"integration":{"exists":true,"is_deleted":false,"name":"Mail","type":"SEND'
        b'GRID","is_active":false,"sender":{"email":null,"name":null,"phone":null},"vapid_public_'
        b'key":null,"settings":null,"credentials":[{"field":"apiKey","version":2,"kek":"kek-1-00c0ffee","commitme'
        b'nt":"c0ffee"}],"destroyed_versions":{}},"rows":{"integration_view":{"workspace_id":"demo","id":"int_1","version'
        b'":3,"name":"Mail","type":"SENDGRID","channel":"EMAIL","is_active":false,"sender_email":'
        b'null,"sender_name":null,"sender_phone":null,"vapid_public_key":null,"settings":null,"created_at":"2026-'
        b'11-05T09:01:00.123000Z","updated_at":"2026-11-05T09:03:00.123000Z","name_key":"mail\\nMail","s'
        b'earch_text":"mail"}}}'
    )
}
"""A snapshot of each shape that there has been: another shape needs another name, and a line."""


def test_a_snapshot_says_what_its_events_come_to(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    replaced = CredentialsReplaced(credentials=(API_KEY,))
    events = write_of(created, replaced, IntegrationToggled(is_active=False)).envelopes
    assert encode_snapshot(StreamState().apply(events)) == KEPT[SNAPSHOT_FORMATS["integration"]]
    assert decode_snapshot(KEPT[SNAPSHOT_FORMATS["integration"]]) == StreamState().apply(events)


@settings(max_examples=50)
@given(data=st.data())
def test_going_on_from_any_snapshot_ends_where_all_events_end(
    data: st.DataObject,
    any_of: Callable[..., st.SearchStrategy[IntegrationEvent]],
    write_of: WriteOf,
) -> None:
    events = data.draw(st.lists(any_of(IntegrationEvent), max_size=8))
    history = write_of(*events).envelopes
    kept = data.draw(st.integers(0, len(history)))
    snapshot = encode_snapshot(StreamState().apply(history[:kept]))
    assert decode_snapshot(snapshot).apply(history[kept:]) == StreamState().apply(history)


def test_a_deleted_integration_can_be_kept(write_of: WriteOf, created: IntegrationCreated) -> None:
    folded = StreamState().apply(write_of(created, IntegrationDeleted()).envelopes)
    assert decode_snapshot(encode_snapshot(folded)) == folded
    assert (folded.state.is_deleted, folded.rows) == (True, {"integration_view": None})


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xff",
        b"{}",
        b'{"version":1,"integration":{},"rows":{}}',
        b'{"version":1,"integration":{"name":7},"rows":{"integration_view":null}}',
        b'{"version":1,"integration":{},"rows":{"integration_view":{"name":"canary"}}}',
    ],
)
def test_other_bytes_are_no_snapshot_and_the_error_does_not_repeat_them(stored: bytes) -> None:
    with pytest.raises(InvalidSnapshotError) as raised:
        decode_snapshot(stored)
    assert str(raised.value) == InvalidSnapshotError.__doc__
    assert raised.value.__suppress_context__
