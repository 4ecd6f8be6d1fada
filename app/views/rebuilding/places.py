"""The columns of a journal that depend on the workspace's rows so far: its numbers and latests."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from projections.journal import Group, Journal

Numbers = dict[Hashable, "count[int]"]
"""For each group that a workspace has, the numbers that are free; the group is its values."""


class Places:
    """Numbers the rows of one workspace as integrations.write_history does; mutable."""

    def __init__(self, journal: Journal[Any]) -> None:
        self.numbers: dict[str, Numbers] = {name: defaultdict(new) for name in journal.numbers}
        self.latest: dict[str, Any] = dict.fromkeys(journal.latest)
        fields = journal.row.__struct_fields__
        self._groups = [
            (self.numbers[name], itemgetter(*map(fields.index, group.by or fields[:1])))
            for name, group in journal.numbers.items()
        ]
        self._sources = [(name, fields.index(source)) for name, source in journal.latest.items()]

    def columns(self, position: int, row: Struct) -> tuple[object, ...]:
        """Return the columns of the next *row*: those of `columns_of`, in their order."""
        values = astuple(row)
        numbers = [next(reached[group(values)]) for reached, group in self._groups]
        for name, source in self._sources:
            last = self.latest[name]
            if last is None or values[source] > last:
                self.latest[name] = values[source]
        return (*values, position, *numbers, *self.latest.values())

    def reach(self, column: str, group: Sequence[str], number: int) -> None:
        """Go on after *number* in *group*: the values of its columns, or the workspace."""
        key = tuple(group) if len(group) > 1 else group[0]  # as an itemgetter makes it
        self.numbers[column][key] = count(number + 1)


def new() -> "count[int]":
    """Return what counts from 1."""
    return count(1)


def columns_in(group: Group) -> tuple[str, ...]:
    """Return the columns whose values tell a group from others."""
    return ("workspace_id", *group.by)


def columns_of(journal: Journal[Any]) -> list[str]:
    """Return the names of the columns of *journal*'s table, in the order of `Places.columns`."""
    return [*journal.row.__struct_fields__, "position", *journal.numbers, *journal.latest]
