"""The columns of a journal that depend on the workspace's rows so far: its numbers and latests."""

from collections import defaultdict
from collections.abc import Hashable
from itertools import count
from operator import attrgetter
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import astuple

from projections.journal import Group, Journal

Value = TypeVar("Value")
Reached = dict[str, dict[Hashable, Value]]
"""For each column, what each group has reached."""


class Places:
    """Numbers the rows of a journal as integrations.write_history does; mutable.

    The group of a number is a workspace and the values of the columns that it names, that of a
    latest the workspace alone.
    """

    def __init__(self, journal: Journal[Any]) -> None:
        self.numbers: Reached[count[int]] = {name: defaultdict(new) for name in journal.numbers}
        self.latest: Reached[Any] = {name: {} for name in journal.latest}
        self._groups = [
            (self.numbers[name], attrgetter(*columns_in(group)))
            for name, group in journal.numbers.items()
        ]
        self._sources = [
            (self.latest[name], attrgetter(source)) for name, source in journal.latest.items()
        ]

    def columns(self, position: int, row: Struct) -> tuple[object, ...]:
        """Return the columns of the next *row*: those of `columns_of`, in their order."""
        numbers = [next(reached[group(row)]) for reached, group in self._groups]
        latests = [self._latest(reached, value(row), row) for reached, value in self._sources]
        return (*astuple(row), position, *numbers, *latests)

    def _latest(self, reached: dict[Hashable, Any], value: Any, row: Any) -> object:  # noqa: ANN401 — what can be compared
        last = reached.get(row.workspace_id)
        if last is None or value > last:
            reached[row.workspace_id] = last = value
        return last


def new() -> "count[int]":
    """Return what counts from 1."""
    return count(1)


def columns_in(group: Group) -> tuple[str, ...]:
    """Return the columns whose values tell a group from others."""
    return ("workspace_id", *group.by)


def columns_of(journal: Journal[Any]) -> list[str]:
    """Return the names of the columns of *journal*'s table, in the order of `Places.columns`."""
    return [*journal.row.__struct_fields__, "position", *journal.numbers, *journal.latest]
