"""A journal is a value: a view with one row an event, and what that row is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from domain.envelope import Envelope
from projections.integration_view import IntegrationRow, integration_view

Row = TypeVar("Row", bound=Struct)


class Journal(Struct, Generic[Row], frozen=True):
    """A view made from the log whose rows are added and never change.

    `version` grows with every change of `entry` or of the row's shape. `entry(before, after,
    envelope)` returns the row of an event; *before* and *after* are the integration as the view
    shows it then, None where it is not there. It never refuses. `tables` hold it together.
    """

    name: str
    version: int
    row: type[Row]
    entry: Callable[[IntegrationRow | None, IntegrationRow | None, Envelope], Row]
    tables: Sequence[str]

    def entries(self, history: Iterable[Envelope], new: Iterable[Envelope]) -> Iterator[Row]:
        """Yield the rows of *new* events, which follow *history* in one stream."""
        yield from self.following(integration_view.fold(history), new)

    def following(self, before: IntegrationRow | None, new: Iterable[Envelope]) -> Iterator[Row]:
        """Yield the rows of *new* events of one stream, whose view's row was *before*."""
        for envelope in new:
            after = integration_view.evolve(before, envelope)
            yield self.entry(before, after, envelope)
            before = after
