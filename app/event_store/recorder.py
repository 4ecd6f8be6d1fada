"""The log under the library's recorder protocol: what followers and replay read it through."""

from collections.abc import Sequence
from threading import Event, Thread

import msgspec
from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL

from app.event_store.batch import EventItem

APPEND = SQL("""
SELECT generate_series(head + 1, head + %s) AS notification_id
FROM integrations.append(%s::jsonb) AS head
""")
SELECT_STREAM = SQL("""
SELECT * FROM integrations.recorder_events WHERE (workspace_id, stream) = (
    SELECT split_part(name, '/', 1), split_part(name, '/', 2) FROM (VALUES (%s)) AS wanted (name)
)
""")
WAKE_EVERY = 0.1  # seconds


class LibraryRecorder(PostgresApplicationRecorder):
    """The library's PostgreSQL recorder over our table and our append.

    Originator ids are `<workspace>/<stream>`. What differs from the library's recorder: tables
    are made by migrations; appending calls `integrations.append`, which locks no table, needs
    INSERT and SELECT only, and leaves no holes; subscriptions wake by the clock, as a NOTIFY
    inside the appending transaction would make commits wait for each other.
    """

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="recorder_events")
        self.select_events_statement = SELECT_STREAM

    def create_table(self) -> None:
        """Do nothing: app/database/migrations makes the table."""

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: object
    ) -> None:
        items = msgspec.json.encode([*map(to_event_item, stored_events)]).decode()
        curs.execute(APPEND, (len(stored_events), items))

    def _fetch_ids_after_insert_events(
        self, curs: Cursor[DictRow], *_: object, **__: object
    ) -> Sequence[int]:
        return [row["notification_id"] for row in curs.fetchall()]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PollingSubscription":
        """Return an iterator over the events after position *gt* that waits for new ones."""
        return PollingSubscription(self, gt=gt, topics=topics)


class PollingSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Follows the log by looking for new events ten times a second."""

    def __init__(
        self, recorder: LibraryRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        self._stopping = Event()  # first, as the library's thread may stop us while it starts
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._waking = Thread(target=self._wake, daemon=True)
        self._waking.start()

    def stop(self) -> None:
        """Stop the iteration and the threads behind it."""
        self._stopping.set()
        super().stop()

    def _wake(self) -> None:
        while not self._stopping.wait(WAKE_EVERY):
            self._has_been_notified.set()


def to_event_item(event: StoredEvent) -> EventItem:
    """Return *event* as `integrations.append` takes it."""
    workspace, _, stream = str(event.originator_id).partition("/")
    return EventItem(workspace, stream, event.originator_version, event.topic, event.state.decode())


def open_recorder(dsn: str, role: str = "integrations_recorder") -> LibraryRecorder:
    """Return the log of the database *dsn*, read and written as *role*; close its datastore.

    The protocol knows no workspaces: one call may append to several, and positions are read across
    all. So there is a role for it that sees them all, and no request ever has.

    Raises:
        eventsourcing.persistence.OperationalError: the database cannot be reached.
    """
    parameters = conninfo_to_dict(dsn, options=f"-c role={role}")
    datastore = PostgresDatastore(
        dbname="", host="", port="", user="", password="", schema="integrations",
        originator_id_type="text", pool_size=1, max_overflow=9,
    )  # fmt: skip
    datastore.pool.kwargs = {"row_factory": dict_row, **parameters}
    return LibraryRecorder(datastore)
