"""Integrations as they were at a point in time: folded from the log, not read from the view.

A point in time is a position, up to which all events count, or a time. A time counts per
integration: up to its last event with that time or an earlier one. Events have the time of the
machine that decided them, and the order of the log is that of positions; if an integration's times
ascend, as they do unless a clock is wrong, these are all events up to the time and no others.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from app.event_store.reader import LAST_POSITION, LogReader
from domain.channel_default import default_stream
from domain.envelope import RecordedEvent
from domain.integration import Channel
from projections.channel_default_view import ChannelDefaultRow, channel_default_view
from projections.integration_view import IntegrationRow, integration_view
from projections.projection import Projection

MAX_EVENTS = 50_000  # that one request reads: about a second of the event loop
PointInTime = int | datetime
"""A position, or a time (UTC). One in the future is now."""


class TooManyEventsError(Exception):
    """The log is too long to be read by one request."""


class AsOfViews:
    """Reads integrations as `IntegrationViews` does, at a point in time of the past."""

    def __init__(self, log: LogReader) -> None:
        self.log = log

    async def one(
        self, workspace: str, integration: str, point_in_time: PointInTime
    ) -> IntegrationRow | None:
        """Return the row of *integration* at *point_in_time*, None if it did not exist.

        Reads the events of the integration up to a position, or all of them for a time.

        Raises:
            TooManyEventsError: there are too many.
            UnavailableError: the database is away or busy.
        """
        return await self._row(workspace, integration, point_in_time, integration_view)

    async def default(
        self, workspace: str, channel: Channel, point_in_time: PointInTime
    ) -> ChannelDefaultRow | None:
        """Return the default of *channel* at *point_in_time*, None if it had none; as `one` does.

        Raises:
            TooManyEventsError, UnavailableError: as `one`.
        """
        stream = default_stream(channel)
        return await self._row(workspace, stream, point_in_time, channel_default_view)

    async def all(self, workspace: str, point_in_time: PointInTime) -> list[IntegrationRow]:
        """Return the rows of all integrations of *workspace* at *point_in_time*, oldest first.

        Reads the events of the workspace up to a position, or all of them for a time.

        Raises:
            TooManyEventsError: there are too many.
            UnavailableError: the database is away or busy.
        """
        rows, until = AsOfFold(point_in_time), last_position_at(point_in_time)
        if await self.log.count_events(workspace, until) > MAX_EVENTS:
            raise TooManyEventsError
        async for event in self.log.read_workspace(workspace, until):
            rows.apply(event)
        return sorted(rows, key=lambda row: (row.created_at, row.id))

    async def _row(
        self, workspace: str, stream: str, point_in_time: PointInTime, projection: Projection[Any]
    ) -> Any:  # noqa: ANN401 — the projection's row
        rows = AsOfFold(point_in_time, projection)
        async for event in self.log.read_stream(workspace, stream, last_position_at(point_in_time)):
            if event.version > MAX_EVENTS:
                raise TooManyEventsError
            rows.apply(event)
        return next(iter(rows), None)


class AsOfFold:
    """The rows at a point in time, folded from a workspace's events in the order of the log."""

    def __init__(
        self, point_in_time: PointInTime, projection: Projection[Any] = integration_view
    ) -> None:
        self.point_in_time = point_in_time
        self.projection = projection
        self.newest: dict[str, Any] = {}
        self.then: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Any]:
        return iter(self.then.values())

    def apply(self, event: RecordedEvent) -> None:
        """Fold the next event."""
        row = self.projection.evolve(self.newest.get(event.stream), event)
        set_row(self.newest, event.stream, row)
        if is_not_after(event, self.point_in_time):
            set_row(self.then, event.stream, row)


def set_row(rows: dict[str, Any], stream: str, row: Struct | None) -> None:
    """Set the row of *stream* to *row*; None removes it."""
    if row is None:
        rows.pop(stream, None)
    else:
        rows[stream] = row


def is_not_after(event: RecordedEvent, point_in_time: PointInTime) -> bool:
    """Return whether *event* is not later than *point_in_time*."""
    return (
        event.position <= point_in_time
        if isinstance(point_in_time, int)
        else event.at <= point_in_time
    )


def last_position_at(point_in_time: PointInTime) -> int:
    """Return the position after which no event can count."""
    return min(point_in_time, LAST_POSITION) if isinstance(point_in_time, int) else LAST_POSITION
