"""The decider: one value that holds an aggregate's whole behaviour."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Generic, TypeVar

from msgspec import Struct

C = TypeVar("C")
E = TypeVar("E")
S = TypeVar("S")


class Decider(Struct, Generic[C, E, S], frozen=True):
    """Initial state, `decide` and `evolve` of an aggregate (Jérémie Chassaing's decider pattern).

    `decide(command, state)` returns events, none if it already is so, and raises
    `DomainError` if it refuses. `evolve(state, event)` never refuses. `version` grows with
    every change of `evolve` or of the state's shape: stored snapshots are then ignored.
    """

    initial: S
    decide: Callable[[C, S], list[E]]
    evolve: Callable[[S, E], S]
    version: int = 1

    def fold(self, events: Iterable[E], start: S | None = None) -> S:
        """Return the state after *events*, from *start* or from the beginning."""
        return reduce(self.evolve, events, self.initial if start is None else start)
