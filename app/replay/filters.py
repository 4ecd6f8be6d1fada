"""Which events a user wants to see: of whom, from when, until when."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from msgspec import Struct

from app.event_store.codec import decode_envelopes
from app.event_store.log_range import LogRange
from app.event_store.reader import LAST_POSITION, Chunk
from projections.integration_view import IntegrationRow, integration_view

PointInTime = int | datetime
"""A position of the log, or a time (UTC)."""


class PointInTimeError(ValueError):
    """That is neither a position nor a time; the message says how to write one."""


class ReplayFilter(Struct, frozen=True, kw_only=True):
    """Filters, all of which must hold; None is no filter. Both ends are included.

    Of what they leave, `newest` takes the last ones.
    """

    workspace: str | None = None
    integration: str | None = None
    start: PointInTime | None = None
    end: PointInTime | None = None
    newest: int | None = None

    def log_range(self, head: int) -> LogRange:
        """Return where in a log that ends at *head* such events are."""
        after = self.start - 1 if isinstance(self.start, int) else 0
        to = min(self.end, head) if isinstance(self.end, int) else head
        return LogRange(
            after=max(after, 0), to=to, workspace=self.workspace, stream=self.integration
        )

    @property
    def has_times(self) -> bool:
        """Whether events must be checked one by one, as the log is in no order of times."""
        return isinstance(self.start, datetime) or isinstance(self.end, datetime)

    def includes(self, at: datetime) -> bool:
        """Return whether an event of the range that happened *at* is wanted."""
        late_enough = not isinstance(self.start, datetime) or at >= self.start
        return late_enough and (not isinstance(self.end, datetime) or at <= self.end)


def parse_point_in_time(text: str) -> PointInTime:
    """Return the position or the time that *text* (ISO 8601; UTC unless it says) stands for.

    Raises:
        PointInTimeError: it is neither.
    """
    try:
        if text.isascii() and text.isdigit():
            return parse_position(text)
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # an offset can lead beyond the years
        message = "write a position such as 1200, or a time such as 2026-11-05T09:00:00Z"
        raise PointInTimeError(message) from None


def parse_position(digits: str) -> int:
    """Return the position that *digits* say; ValueError if no log can be that long."""
    if len(digits) > len(str(LAST_POSITION)) or int(digits) > LAST_POSITION:
        raise ValueError
    return int(digits)


def fold_as_of(chunks: Iterable[Chunk], selection: ReplayFilter) -> Iterator[IntegrationRow]:
    """Yield the integrations that the wanted events of *chunks* lead to, oldest first."""
    rows: dict[tuple[str, str], IntegrationRow] = {}
    for chunk in chunks:
        for event in decode_envelopes(chunk.envelopes):
            stream = (event.workspace, event.stream)
            if selection.includes(event.at):
                row = integration_view.evolve(rows.pop(stream, None), event)
                if row is not None:
                    rows[stream] = row
    yield from sorted(rows.values(), key=lambda row: (row.created_at, row.workspace_id, row.id))
