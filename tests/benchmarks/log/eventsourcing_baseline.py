"""The library's own way to rebuild a view: its ProjectionRunner, one transaction an event.

It measures the library itself, so it imports eventsourcing, as otherwise only the recorder does.
"""

import time
from typing import Any

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Notification, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from app.event_store.recorder import LibraryRecorder, from_notification, open_recorder
from domain.envelope import RecordedEvent
from projections.integration_view import IntegrationRow, integration_view

TIMEOUT = 600.0  # seconds
PREPARE = """
DROP SCHEMA IF EXISTS library CASCADE;
CREATE SCHEMA library;
CREATE TABLE library.integration_view (LIKE integrations.integration_view INCLUDING ALL);
"""
DELETE = "DELETE FROM library.integration_view WHERE (workspace_id, id) = (%s, %s)"
INSERT = """
INSERT INTO library.integration_view
SELECT * FROM jsonb_populate_record(NULL::library.integration_view, %s)
"""


class Rows(PostgresTrackingRecorder):
    """Stores the view, and the position that it has reached, in one transaction an event."""

    def put(self, event: RecordedEvent, row: IntegrationRow | None, tracking: Tracking) -> None:
        """Store what *event* leads to."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(DELETE, (event.workspace, event.stream), prepare=True)
            if row is not None:
                cursor.execute(INSERT, (msgspec.json.encode(row).decode(),), prepare=True)


class Views(Projection[Rows]):
    """Folds events as our rebuild does; the rows so far are at hand, which is generous."""

    name = "views"

    def __init__(self, view: Rows) -> None:
        super().__init__(view)
        self.seen: dict[str, IntegrationRow | None] = {}

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Take one event."""
        row = integration_view.evolve(self.seen.get(domain_event.stream), domain_event)
        self.seen[domain_event.stream] = row
        self.view.put(domain_event, row, tracking)


class Mapper:
    """Decodes events as the rest of our code does."""

    def to_domain_event(self, notification: Notification) -> RecordedEvent:
        """Return the event of *notification*."""
        return from_notification(notification)


class Log(Application[str]):
    """An application of the library over our log."""

    name = "log"
    dsn = ""

    def construct_mapper(self) -> Any:
        """Return our mapper."""
        return Mapper()

    def construct_recorder(self) -> LibraryRecorder:
        """Return our recorder."""
        return open_recorder(self.dsn, size=10)

    def close(self) -> None:
        """Close what was opened."""
        self.recorder.datastore.close()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue] — an LibraryRecorder
        super().close()


def library_rate(dsn: str, events: int) -> float:
    """Return how many of the first *events* the library's ProjectionRunner takes a second."""
    with psycopg.connect(dsn) as connection:
        connection.execute(PREPARE)
    Log.dsn = dsn
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Log, projection_class=Views, view_class=Rows, env=settings_of(dsn)
    ) as runner:
        runner.wait(events, timeout=TIMEOUT)
        return events / (time.perf_counter() - started)


def settings_of(dsn: str) -> dict[str, str]:
    """Return the library's settings for the views' database, those of the log left out."""
    parts = conninfo_to_dict(dsn)
    given = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts["dbname"], "POSTGRES_HOST": parts["host"],
        "POSTGRES_PORT": parts["port"], "POSTGRES_USER": parts["user"], "POSTGRES_PASSWORD": "-",
        "POSTGRES_SCHEMA": "library",
    }  # fmt: skip
    return {f"VIEWS_{name}": str(value) for name, value in given.items()}
