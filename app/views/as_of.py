"""Integrations as they were at a point in time: folded from the log, not read from the view.

A point in time is a position, up to which all events count, or a time. A time counts per
integration: up to its last event that bears that time or an earlier one. Events bear the time of
the machine that decided them, and the order of the log is that of positions; if an integration's
times ascend, as they do unless a clock goes wrong, that is every event up to the time and no other.
"""

from collections.abc import Iterator
from datetime import datetime

from app.event_store.reader import LAST_POSITION, LogReader
from domain.envelope import RecordedEvent
from projections.integration_view import IntegrationRow, integration_view

PointInTime = int | datetime
"""A position, or a time (UTC). One that is still to come is now."""


class AsOfViews:
    """Reads integrations as `IntegrationViews` does, at a point in time."""

    def __init__(self, log: LogReader) -> None:
        self.log = log

    async def one(
        self, workspace: str, integration: str, point: PointInTime
    ) -> IntegrationRow | None:
        """Return the row of *integration* at *point*, None if it was not there.

        Reads all events of the integration.

        Raises:
            UnavailableError: the database is away or busy.
        """
        rows = AsOfFold(point)
        for event in await self.log.read_stream(workspace, integration, last_position_at(point)):
            rows.apply(event)
        return next(iter(rows), None)

    async def all(self, workspace: str, point: PointInTime) -> list[IntegrationRow]:
        """Return the rows of all integrations of *workspace* at *point*, oldest first.

        Reads the events of the workspace up to a position, or all of them for a time.

        Raises:
            UnavailableError: the database is away or busy.
        """
        rows = AsOfFold(point)
        async for event in self.log.read_workspace(workspace, last_position_at(point)):
            rows.apply(event)
        return sorted(rows, key=lambda row: (row.created_at, row.id))


class AsOfFold:
    """The rows at a point in time, folded from a workspace's events in the order of the log."""

    def __init__(self, point: PointInTime) -> None:
        self.point = point
        self.newest: dict[str, IntegrationRow] = {}
        self.then: dict[str, IntegrationRow] = {}

    def __iter__(self) -> Iterator[IntegrationRow]:
        return iter(self.then.values())

    def apply(self, event: RecordedEvent) -> None:
        """Fold the next event."""
        row = integration_view.evolve(self.newest.get(event.stream), event)
        set_row(self.newest, event.stream, row)
        if is_not_after(event, self.point):
            set_row(self.then, event.stream, row)


def set_row(rows: dict[str, IntegrationRow], stream: str, row: IntegrationRow | None) -> None:
    """Set *row* as that of *stream*; None takes it away."""
    if row is None:
        rows.pop(stream, None)
    else:
        rows[stream] = row


def is_not_after(event: RecordedEvent, point: PointInTime) -> bool:
    """Return whether *event* is not later than *point*."""
    return event.position <= point if isinstance(point, int) else event.at <= point


def last_position_at(point: PointInTime) -> int:
    """Return the position after which no event can count."""
    return min(point, LAST_POSITION) if isinstance(point, int) else LAST_POSITION
