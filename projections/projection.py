"""A projection is a value: what its rows are, and how events make them."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from domain.aggregates import INTEGRATION, Aggregate
from domain.envelope import Envelope

Row = TypeVar("Row", bound=Struct)


class Projection(Struct, Generic[Row], frozen=True):
    """A table made from the log, one row a stream of its aggregate.

    `version` grows with every change of `evolve` or of the row's shape. `evolve(row, envelope)`
    returns the row after the event, or None if there is none (any more); it never refuses.
    It sees all but the position, which is known only once the event is appended.
    """

    name: str
    version: int
    row: type[Row]
    evolve: Callable[[Row | None, Envelope], Row | None]
    aggregate: Aggregate = INTEGRATION

    def fold(self, history: Iterable[Envelope], start: Row | None = None) -> Row | None:
        """Return the row after *history*, from *start* or from nothing."""
        row = start
        for envelope in history:
            row = self.evolve(row, envelope)
        return row
