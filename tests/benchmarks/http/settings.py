"""How long to measure, in which order, and on which machine."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from tests.benchmarks.machine import Cores

T = TypeVar("T")


class Rounds(Struct, frozen=True, kw_only=True):
    """`count` rounds of `seconds` each."""

    count: int
    seconds: int

    def abba_rounds(self, things: Sequence[T]) -> Iterator[T]:
        """Yield *things* once a round, A B B A …: what comes first is measured slower."""
        for number in range(self.count):
            yield from things if number % 2 == 0 else reversed(things)


class Machine(Struct, frozen=True):
    """A PostgreSQL server, a folder for data and requests, and what runs on which core."""

    dsn: str
    folder: Path
    cores: Cores
