"""Folds a log from its beginning into the rows of projections and journals."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from app.views.book import Book, Write
from domain.envelope import Envelope
from projections.integration_view import IntegrationRow, integration_view
from projections.journal import Journal
from projections.projection import Projection

Stream = tuple[str, str]
"""Workspace and stream."""
Rows = dict[str, Struct]
"""Of one workspace, by stream."""


class Catalogue(Struct, frozen=True):
    """Which views are made."""

    projections: tuple[Projection[Any], ...]
    journals: tuple[Journal[Any], ...]

    @property
    def views(self) -> tuple[Projection[Any] | Journal[Any], ...]:
        """All of them."""
        return (*self.projections, *self.journals)


class Folding:
    """Takes the events of one workspace after the other, each in the order of the log; mutable.

    What follows from them goes to the *writes* of its table: pages of a journal as soon as they are
    full, all else when their workspace ends. Memory grows with the integrations of one workspace.
    """

    def __init__(self, catalogue: Catalogue, writes: Mapping[str, Write]) -> None:
        self._catalogue = catalogue
        self._writes = writes
        self._begin("")

    def _begin(self, workspace: str) -> None:
        self._workspace = workspace
        self._seen: Rows = {}
        self._rows: dict[str, Rows] = {
            projection.name: self._seen if projection is integration_view else {}
            for projection in self._catalogue.projections
        }
        self._others = [
            (projection.evolve, self._rows[projection.name])
            for projection in self._catalogue.projections
            if projection is not integration_view
        ]
        self._books = [
            (journal.entry, Book(workspace, self._writes)) for journal in self._catalogue.journals
        ]

    def take(self, positions: Iterable[int], envelopes: Iterable[Envelope]) -> None:
        """Move all rows on by some events; most of a rebuild's time in Python is spent here."""
        places = iter(positions)
        for workspace, of_one in groupby(envelopes, attrgetter("workspace")):
            if workspace != self._workspace:
                self.end()
                self._begin(workspace)
            events = [*of_one]
            self._take([*islice(places, len(events))], events)

    def _take(self, positions: Sequence[int], events: Sequence[Envelope]) -> None:
        befores, afters = before_and_after(self._seen, events)
        for evolve, rows in self._others:
            for event in events:
                put(rows, event.stream, evolve(rows.get(event.stream), event))
        for entry, book in self._books:
            book.extend(positions, [*map(entry, befores, afters, events)])

    def end(self) -> None:
        """Write the rows of the last workspace; nothing of it is to come."""
        for _, book in self._books:
            book.close()
        for name, rows in self._rows.items():
            write = self._writes[name]
            for row in rows.values():
                write(astuple(row))


def before_and_after(
    seen: Rows, events: Iterable[Envelope]
) -> tuple[list[IntegrationRow | None], list[IntegrationRow | None]]:
    """Move the rows *seen* on by *events*; return the row of each, before it and after it."""
    befores: list[IntegrationRow | None] = []
    afters: list[IntegrationRow | None] = []
    for event in events:
        before: Any = seen.get(event.stream)
        after = integration_view.evolve(before, event)
        put(seen, event.stream, after)
        befores.append(before)
        afters.append(after)
    return befores, afters


def put(rows: Rows, stream: str, row: Struct | None) -> None:
    """Keep *row*, or nothing where there is none any more."""
    if row is None:
        rows.pop(stream, None)
    else:
        rows[stream] = row
