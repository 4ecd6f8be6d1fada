"""Our recorders pass the test cases that the library publishes for recorders.

From `eventsourcing.tests.persistence`, and what is left out, with the reason:

The service's recorder may read and not append, so these cases run as the owner of the database.

- ApplicationRecorderTestCase: all of it, also the optional subscriptions, also that positions
  have no holes, for LibraryRecorder and for the recorder below InMemoryEventLog.
- NonInterleavingNotificationIDsBaseCase: all of it.
- AggregateRecorderTestCase: all but one thing. It expects that `insert_events` returns None, as
  an aggregate recorder knows no positions; ours, an application recorder, returns them, so a
  subclass drops them here. (The library, too, runs this case on its aggregate recorder only.)
- TrackingRecorderTestCase, ProcessRecorderTestCase: we have no such recorders; a follower's
  checkpoint moves in the transaction of its effect.
- InfrastructureFactoryTestCase: we have no factory; `open_recorder` opens the one recorder.
- TranscoderTestCase: events are encoded by msgspec, not by a transcoder; test_codec.py.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from uuid import uuid4

import pytest
from eventsourcing.persistence import ApplicationRecorder, ProgrammingError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder
from eventsourcing.tests import persistence as published

from app.event_store.recorder import LibraryRecorder, open_recorder


class OurIds(published.RecorderTestCase):
    """Originator ids of our form."""

    def new_originator_id(self) -> str:
        return f"demo/{uuid4()}"


class OnOurDatabase(OurIds):
    """Each test has a database of its own."""

    kind: type[LibraryRecorder] = LibraryRecorder
    recorder: LibraryRecorder

    @pytest.fixture(autouse=True)
    def open_on_a_new_database(self, dsn: str) -> Generator[None]:
        with closing(open_recorder(dsn, role="integrations", size=10)) as opened:
            self.recorder = self.kind(opened.datastore)
            yield

    def create_recorder(self) -> LibraryRecorder:
        return self.recorder


class TestApplicationRecorder(
    OnOurDatabase, published.ApplicationRecorderTestCase[LibraryRecorder]
):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleavingPositions(OnOurDatabase, published.NonInterleavingNotificationIDsBaseCase):
    pass


class WithoutPositions(LibraryRecorder):
    """Ours, as the library's case for aggregate recorders expects it."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> None:
        super().insert_events(stored_events, **kwargs)


class TestAggregateRecorder(OnOurDatabase, published.AggregateRecorderTestCase):
    kind = WithoutPositions


class TestRecorderOfInMemoryEventLog(
    OurIds, published.ApplicationRecorderTestCase[ApplicationRecorder]
):
    def create_recorder(self) -> ApplicationRecorder:
        return POPOApplicationRecorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


# ----- What the published cases do not ask -----
def event(version: int, stream: str = "demo/int_1") -> StoredEvent:
    return StoredEvent(
        originator_id=stream, originator_version=version, topic="Toggled", state=b"{}"
    )


def test_a_stream_is_found_by_workspace_and_stream_together(
    recorder: LibraryRecorder, owners_recorder: LibraryRecorder
) -> None:
    owners_recorder.insert_events([event(1, "a/b_c"), event(1, "a_b/c"), event(2, "a/b_c")])
    found = recorder.select_events("a/b_c")
    assert [(e.originator_id, e.originator_version) for e in found] == [("a/b_c", 1), ("a/b_c", 2)]


def test_the_recorder_of_the_service_cannot_append(recorder: LibraryRecorder) -> None:
    with pytest.raises(ProgrammingError, match="permission denied for function append"):
        recorder.insert_events([event(1)])
    assert recorder.max_notification_id() is None


def test_the_recorder_has_a_role_of_its_own_that_no_request_has(
    recorder: LibraryRecorder,
) -> None:
    with recorder.datastore.transaction() as cursor:
        row = cursor.execute("SELECT current_user AS role").fetchone()
    assert row == {"role": "integrations_recorder"}
