"""Folds a log from its beginning into the rows of projections and journals."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from app.views.rebuilding.places import Places
from domain.recorded import Recorded
from projections.integration_view import integration_view
from projections.journal import Journal
from projections.projection import Projection

Stream = tuple[str, str]
"""Workspace and stream."""
Rows = dict[Stream, Struct]
Write = Callable[[tuple[object, ...]], None]


class Catalogue(Struct, frozen=True):
    """Which views are made."""

    projections: tuple[Projection[Any], ...]
    journals: tuple[Journal[Any], ...]

    @property
    def views(self) -> tuple[Projection[Any] | Journal[Any], ...]:
        """All of them."""
        return (*self.projections, *self.journals)


class Folding:
    """Takes events in the order of the log; mutable.

    Rows of projections are kept until they are asked for; those of a journal go to its *write*
    at once. Memory grows with the integrations that exist, not with the events.
    """

    def __init__(self, catalogue: Catalogue, writes: Iterable[Write]) -> None:
        self.seen: Rows = {}
        self.rows: dict[str, Rows] = {
            projection.name: self.seen if projection is integration_view else {}
            for projection in catalogue.projections
        }
        self._others = [
            (projection.evolve, self.rows[projection.name])
            for projection in catalogue.projections
            if projection is not integration_view
        ]
        self._journals = [
            (journal.entry, Places(journal).columns, write)
            for journal, write in zip(catalogue.journals, writes, strict=True)
        ]

    def take(self, event: Recorded) -> None:
        """Move all rows on by one event."""
        stream = (event.workspace, event.stream)
        before: Any = self.seen.get(stream)
        after = integration_view.evolve(before, event)
        put(self.seen, stream, after)
        for evolve, rows in self._others:
            put(rows, stream, evolve(rows.get(stream), event))
        for entry, columns, write in self._journals:
            write(columns(event.position, entry(before, after, event)))


def put(rows: Rows, stream: Stream, row: Struct | None) -> None:
    """Keep *row*, or nothing where there is none any more."""
    if row is None:
        rows.pop(stream, None)
    else:
        rows[stream] = row
