"""A journal is a value: a table with one row an event, and what that row is."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from domain.recorded import Envelope
from projections.integration_view import IntegrationRow, integration_view

Row = TypeVar("Row", bound=Struct)


class Journal(Struct, Generic[Row], frozen=True):
    """A table made from the log whose rows are added and never change.

    `version` grows with every change of `entry` or of the row's shape. `entry(before, envelope)`
    returns the row of an event; *before* is the integration as the view showed it until then,
    None where it was not there. It never refuses. The table adds the event's position and its
    sequence, which counts the events of the workspace from 1, without holes.
    """

    name: str
    version: int
    row: type[Row]
    entry: Callable[[IntegrationRow | None, Envelope], Row]

    def entries(self, history: Iterable[Envelope], new: Iterable[Envelope]) -> Iterator[Row]:
        """Yield the rows of *new* events, which follow *history* in one stream."""
        before = integration_view.fold(history)
        for envelope in new:
            yield self.entry(before, envelope)
            before = integration_view.evolve(before, envelope)
