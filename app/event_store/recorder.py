"""The log under the library's recorder protocol: what follows the log reads it through this."""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from threading import Event

import msgspec
import psycopg
from eventsourcing.persistence import (
    InterfaceError,
    Notification,
    OperationalError,
    PersistenceError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from msgspec import MsgspecError
from psycopg import Connection, Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, args_row, dict_row
from psycopg.sql import SQL

from app.database.connection import with_network_timeouts
from app.database.pools import SERVER_SETTINGS, SyncTimeoutConnection
from app.event_store.batch import EventItem, event_item
from app.event_store.codec import decode_envelope, decode_recorded
from app.event_store.log_range import LogCorruptedError, gap_error
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
SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) AS head FROM integrations.recorder_events"
SELECT_BATCH = SQL("""
SELECT originator_id, originator_version, topic, state, notification_id
FROM integrations.recorder_events
WHERE notification_id > %(after)s AND notification_id <= %(head)s {filters}
ORDER BY notification_id LIMIT %(limit)s
""")
FILTERS = {
    "topics": SQL("AND topic = ANY(%(topics)s)"),
    "workspace": SQL("AND workspace_id = %(workspace)s"),
    "stream": SQL("AND stream = %(stream)s"),
}
BATCH_SIZE = 10_000  # events
POLL_INTERVAL = 0.1  # seconds
MAX_RECONNECT_DELAY = 5.0  # seconds between two attempts to reach the database
CONNECT_TIMEOUT = 3.0  # seconds to wait for a connection
log = logging.getLogger(__name__)


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

    def subscribe(
        self,
        gt: int | None = None,
        topics: Sequence[str] = (),
        *,
        workspace: str | None = None,
        stream: str | None = None,
    ) -> "PollingSubscription":
        """Return an iterator over the events after position *gt* that waits for new ones."""
        return PollingSubscription(self, gt, topics, workspace=workspace, stream=stream)


class PollingSubscription(Subscription[LibraryRecorder]):
    """Follows the log by polling it, and waits for a database that goes away.

    It polls in the thread that iterates, and holds no connection in between. It does not listen: a
    NOTIFY inside the appending transaction makes commits wait for each other.
    """

    def __init__(
        self,
        recorder: LibraryRecorder,
        gt: int | None = None,
        topics: Sequence[str] = (),
        *,
        workspace: str | None = None,
        stream: str | None = None,
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._position = gt or 0
        self._filters = {"topics": list(topics), "workspace": workspace, "stream": stream}
        used = [condition for name, condition in FILTERS.items() if self._filters[name]]
        self._is_unfiltered = not used
        self._query = SELECT_BATCH.format(filters=SQL(" ").join(used))
        self._events = chain.from_iterable(self.batches())
        self._failures = 0
        self._stopping = Event()
        self._connection: Connection[DictRow] | None = None

    def stop(self) -> None:
        """Stop the iteration, also while another thread waits for the database."""
        super().stop()
        self._stopping.set()
        if self._connection is not None:
            self._connection.close()

    def __next__(self) -> Notification:
        """Return the next event, once there is one."""
        if self._has_been_stopped:
            raise StopIteration
        return next(self._events)

    def batches(self) -> Iterator[Sequence[Notification]]:
        """Yield the events as they come, as many at once as there are, until it is stopped.

        Raises:
            LogCorruptedError, PersistenceError: as for `poll`.
        """
        while not self._has_been_stopped:
            if batch := self.poll():
                yield batch
            else:
                self._stopping.wait(min(POLL_INTERVAL * 2**self._failures, MAX_RECONNECT_DELAY))

    def poll(self) -> Sequence[Notification]:
        """Return the next events, at most BATCH_SIZE: none if none is new or the database is away.

        Raises:
            LogCorruptedError: a position is missing, or the log has become shorter.
            PersistenceError: the recorder is closed, or may not read the log.
        """
        try:
            with self._recorder.datastore.get_connection() as self._connection:
                batch = self._read(self._connection)
        except PersistenceError as error:
            if not is_connection_loss(error) or self._recorder.datastore.pool.closed:
                raise
            self._failures += 1
            if self._failures == 1 and not self._has_been_stopped:
                log.warning("The database is away; waiting for it.")
            return ()
        finally:
            self._connection = None
        self._failures = 0
        return batch

    def _read(self, connection: Connection[DictRow]) -> Sequence[Notification]:
        head = connection.execute(SELECT_HEAD).fetchone()
        assert head is not None  # noqa: S101 — an aggregate always has a row
        return self._read_to(head["head"], connection) if head["head"] != self._position else ()

    def _read_to(self, head: int, connection: Connection[DictRow]) -> Sequence[Notification]:
        if head < self._position:
            message = (
                f"The log is damaged: it ends at {head}, and {self._position} was read before."
            )
            raise LogCorruptedError(message)
        wanted = {**self._filters, "after": self._position, "head": head, "limit": BATCH_SIZE}
        with connection.cursor(binary=True, row_factory=args_row(Notification)) as cursor:
            batch = cursor.execute(self._query, wanted, prepare=True).fetchall()
        if self._is_unfiltered:
            batch = dense(batch, self._position)
        self._position = batch[-1].id if self._is_unfiltered or len(batch) == BATCH_SIZE else head
        return batch


def dense(batch: Sequence[Notification], after: int) -> Sequence[Notification]:
    """Return the events of *batch* up to the first gap after position *after*.

    Raises:
        LogCorruptedError: not even the first one is there.
    """
    found = [event for expected, event in enumerate(batch, after + 1) if event.id == expected]
    if not found:
        raise gap_error(after + 1)
    return found


def is_connection_loss(error: PersistenceError) -> bool:
    """Return whether the connection broke; psycopg may also say that it got no result."""
    cause = error.__cause__
    no_result = isinstance(cause, psycopg.InternalError) and cause.sqlstate is None
    return no_result or isinstance(error, OperationalError | InterfaceError)


def from_notification(notification: Notification) -> RecordedEvent:
    """Return the event of *notification*, with its place, its time and its actor."""
    return decode_recorded(notification.id, notification.state)


def event_from(notification: Notification) -> tuple[int, str, bytes]:
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


def open_recorder(dsn: str, role: str = "integrations_recorder") -> LibraryRecorder:
    """Return the log of the database *dsn*, read as *role*; close it.

    The protocol knows no workspaces: positions are read across all. So there is a role for it that
    sees them all, and no request ever has; it cannot append.
    """
    options = " ".join(
        f"-c {name}={value}" for name, value in {**SERVER_SETTINGS, "role": role}.items()
    )
    datastore = JsonDatastore(
        dbname="", host="", port="", user="", password="", schema="integrations",
        originator_id_type="text", connect_timeout=CONNECT_TIMEOUT, pool_size=1, max_overflow=9,
    )  # fmt: skip
    pool = datastore.pool
    pool.connection_class = SyncTimeoutConnection
    pool.kwargs = {
        "row_factory": dict_row,
        **conninfo_to_dict(with_network_timeouts(dsn), options=options, application_name=role),
    }
    pool.reconnect_timeout = POLL_INTERVAL  # a poll makes the next attempt
    pool.open()
    return LibraryRecorder(datastore)
