"""Whether others are at work on the database just now: a rebuild steps back for them."""

import os
import time
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

COMMITTED = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
FLUSH = "SELECT pg_stat_force_next_flush()"  # of what this session has committed
CONNECTED = "SELECT numbackends FROM pg_stat_database WHERE datname = current_database()"
FEW = 40  # transactions a second: followers, monitoring, and what else the rebuild itself does
WINDOW = 0.5  # seconds between two looks; a backend tells its transactions once a second
CALM = 3  # looks without traffic before there is none any more


def cores() -> int:
    """Return how many cores there are, as far as is known."""
    return os.cpu_count() or 1


def most_lanes() -> int:
    """Return how many lanes there may be at all: one more than cores, but five at most.

    A lane waits for the database now and then.
    """
    return min(cores() + 1, 5)


class Traffic:
    """Tells how many lanes a rebuild may take: one while others work, else `most_lanes`.

    It cannot know whose transactions are counted, and takes those beyond FEW for requests, except
    for those that it is told to expect. Where others are connected, it takes one lane until it has
    looked for a while.
    """

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        # One look without traffic is enough to begin, and none where nobody else is connected.
        self._calm = CALM if self._ask(CONNECTED) == 1 else CALM - 1
        self._looked = time.monotonic()
        self._committed = self._count()
        self._expected = 0

    def expect(self, commits: int) -> None:
        """Take so many of the next *commits* for the rebuild's own."""
        self._expected += commits

    def settle(self) -> None:
        """Forget what was expected: all sessions of the rebuild that committed it have ended.

        What our own connection committed is counted by then, too.
        """
        self._connection.execute(FLUSH)
        self._expected, self._committed, self._looked = 0, self._count(), time.monotonic()

    @property
    def lanes(self) -> int:
        """How many there may be now."""
        if time.monotonic() - self._looked >= WINDOW:
            self._look()
        return most_lanes() if self._calm >= CALM else 1

    def _look(self) -> None:
        now, committed = time.monotonic(), self._count()
        new = committed - self._committed
        rate = (new - self._expected) / (now - self._looked)
        self._expected = max(self._expected - new, 0)  # they are counted a little later
        self._looked, self._committed = now, committed
        self._calm = 0 if rate > FEW else self._calm + 1

    def _count(self) -> int:
        return self._ask(COMMITTED)

    def _ask(self, query: LiteralString) -> int:
        row = self._connection.execute(query).fetchone()
        assert row is not None  # noqa: S101 — the database that we are connected to
        return row[0]
