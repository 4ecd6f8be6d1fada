"""Follows the log: a subscription of the library eventsourcing that polls for new events."""

import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from threading import Event

import psycopg
from eventsourcing.persistence import (
    InterfaceError,
    Notification,
    OperationalError,
    PersistenceError,
    Subscription,
)
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import Connection
from psycopg.rows import DictRow, args_row
from psycopg.sql import SQL

from app.event_store.log_range import LogCorruptedError, count_dense, gap_error

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
log = logging.getLogger(__name__)


class PollingSubscription(Subscription[PostgresApplicationRecorder]):
    """Follows the log by polling it, and waits for a database that goes away.

    It polls in the thread that iterates, and holds no connection in between. It does not listen: a
    NOTIFY inside the appending transaction makes commits wait for each other.
    """

    def __init__(
        self,
        recorder: PostgresApplicationRecorder,
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
        self.failures = 0  # polls in a row that did not reach the database
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
                self._stopping.wait(min(POLL_INTERVAL * 2**self.failures, MAX_RECONNECT_DELAY))

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
            self.failures += 1
            if self.failures == 1 and not self._has_been_stopped:
                log.warning("The database is away; waiting for it.")
            return ()
        finally:
            self._connection = None
        self.failures = 0
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
            batch = require_dense(batch, self._position)
        self._position = batch[-1].id if self._is_unfiltered or len(batch) == BATCH_SIZE else head
        return batch


def require_dense(batch: Sequence[Notification], after: int) -> Sequence[Notification]:
    """Return the events of *batch* up to the first gap after position *after*.

    Raises:
        LogCorruptedError: the first one is missing.
    """
    amount = count_dense((event.id for event in batch), after)
    if not amount:
        raise gap_error(after + 1)
    return batch[:amount]


def is_connection_loss(error: PersistenceError) -> bool:
    """Return whether the connection broke; psycopg may also say that it got no result."""
    cause = error.__cause__
    no_result = isinstance(cause, psycopg.InternalError) and cause.sqlstate is None
    return no_result or isinstance(error, OperationalError | InterfaceError)
