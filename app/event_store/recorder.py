"""The event log as a recorder of the library eventsourcing: followers read the log through it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from msgspec import MsgspecError
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL

from app.database.connection import acting_as, require_primary, with_network_timeouts
from app.database.pools import SERVER_SETTINGS, SyncTimeoutConnection
from app.event_store.batch import EventItem, event_item
from app.event_store.codec import decode_envelope, decode_recorded
from app.event_store.subscription import POLL_INTERVAL, PollingSubscription
from domain.envelope import RecordedEvent

APPEND = SQL("""
SELECT generate_series(head + 1, head + %s) AS notification_id
FROM integrations.append(%s::jsonb) AS head
""")
SELECT_STREAM = SQL("""
SELECT * FROM integrations.recorder_events WHERE (workspace_id, stream) = (
    SELECT split_part(name, '/', 1), split_part(name, '/', 2) FROM (VALUES (%s)) AS wanted (name)
)
""")
CONNECT_TIMEOUT = 3.0  # seconds to wait for a connection


class JsonDatastore(PostgresDatastore):
    """The library's connections, without its composite types: our append takes JSON."""

    def register_type_adapters(self) -> None:
        """Do nothing."""


class LibraryRecorder(PostgresApplicationRecorder):
    """The library's PostgreSQL recorder over our table and our append.

    Originator ids are `<workspace>/<stream>`. What differs from the library's recorder: the tables
    are made by our schema; appending, which only tests do, calls `integrations.append`, which locks
    no table and leaves no holes; subscriptions poll.
    """

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="recorder_events")
        self.select_events_statement = SELECT_STREAM

    def close(self, timeout: float = 5.0) -> None:
        """Close the connections; wait at most *timeout* seconds for the pool's threads."""
        self.datastore.pool.close(timeout)

    def create_table(self) -> None:
        """Do nothing: app/event_store/sql/events.sql makes the table."""

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: object
    ) -> None:
        items = msgspec.json.encode([*map(to_event_item, stored_events)]).decode()
        curs.execute(APPEND, (len(stored_events), items))

    def _fetch_ids_after_insert_events(
        self, curs: Cursor[DictRow], *_: object, **__: object
    ) -> Sequence[int]:
        return [row["notification_id"] for row in curs.fetchall()]

    def subscribe(
        self,
        gt: int | None = None,
        topics: Sequence[str] = (),
        *,
        workspace: str | None = None,
        stream: str | None = None,
    ) -> PollingSubscription:
        """Return an iterator over the events after position *gt* that waits for new ones."""
        return PollingSubscription(self, gt, topics, workspace=workspace, stream=stream)


def from_notification(notification: Notification) -> RecordedEvent:
    """Return the event of *notification*, with its place, its time and its actor."""
    return decode_recorded(notification.id, notification.state)


def unpack_notification(notification: Notification) -> tuple[int, str, bytes]:
    """Return the position, the workspace and the stored bytes of the event of *notification*."""
    workspace, _, _ = str(notification.originator_id).partition("/")
    return notification.id, workspace, notification.state


def to_event_item(event: StoredEvent) -> EventItem:
    """Return *event* as `integrations.append` takes it.

    The library passes any bytes on, in its own test cases too: what is no event of ours gets
    columns that say nothing, and `integrations verify` reports it.
    """
    workspace, _, stream = str(event.originator_id).partition("/")
    key = {"workspace": workspace, "stream": stream, "version": event.originator_version}
    state = {"type": event.topic, "envelope": event.state.decode()}
    try:
        known = event_item(decode_envelope(event.state))
    except (MsgspecError, UnicodeDecodeError):
        columns = {"action": "", "actor_id": "", "at": datetime.now(UTC)}
    else:
        columns = {"action": known.action, "actor_id": known.actor_id, "at": known.at}
    return EventItem(**key, **state, **columns)  # pyright: ignore[reportArgumentType] — by name


def open_recorder(
    dsn: str, role: str = "integrations_recorder", *, size: int = 1
) -> LibraryRecorder:
    """Return the log of the database *dsn*, read as *role* by *size* threads at once; close it.

    The protocol knows no workspaces: positions are read across all. So there is a role for it that
    sees them all, and no request ever has; it cannot append.
    """
    datastore = JsonDatastore(
        dbname="", host="", port="", user="", password="", schema="integrations",
        originator_id_type="text", connect_timeout=CONNECT_TIMEOUT, pool_size=1,
        max_overflow=size - 1,
    )  # fmt: skip
    pool = datastore.pool
    pool.connection_class = SyncTimeoutConnection
    pool.kwargs = {
        "row_factory": dict_row,
        **conninfo_to_dict(with_network_timeouts(acting_as(dsn, role, **SERVER_SETTINGS))),
    }
    pool.reconnect_timeout = POLL_INTERVAL  # a poll makes the next attempt
    pool.open()
    return LibraryRecorder(datastore)


@contextmanager
def open_subscription(dsn: str, after: int) -> Generator[PollingSubscription]:
    """Yield a subscription to the events after position *after*; no thread holds it at the end."""
    recorder = open_recorder(require_primary(dsn))
    try:
        with recorder.subscribe(after) as following:
            yield following
    finally:
        recorder.close(0)
