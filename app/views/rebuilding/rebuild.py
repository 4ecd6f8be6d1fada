"""Makes views anew from the log beside the live ones, and switches; or only compares.

A view is filled up to the log's present end by several processes, gets its keys, catches up
with what was appended meanwhile, is compared with the live view where both should be equal, and
takes its place in one short transaction that holds the append lock. Reads and writes go on. Before
that transaction commits the old view serves; whatever ends the rebuild, it simply runs again.
"""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Literal

import psycopg
from msgspec import Struct
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from app.log.follow import LogDamagedError, Part, head_of
from app.views.rebuilding.catching_up import catch_up
from app.views.rebuilding.comparing import Compared, beside, compare, counts_hold
from app.views.rebuilding.folding import Catalogue
from app.views.rebuilding.indexing import build_indexes
from app.views.rebuilding.loading import load
from app.views.rebuilding.reading import READIED
from app.views.rebuilding.session import OPENED, open_session
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.shares import shares_of
from app.views.rebuilding.traffic import Traffic, most_lanes
from app.views.rebuilding.versions import outdated
from app.views.rebuilding.workers import load_all
from projections.catalogue import JOURNALS, PROJECTIONS
from projections.integration_view import integration_view
from projections.journal import Journal
from projections.projection import Projection

ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(7597137600296673653)"
NO_LONGER = "SELECT pg_advisory_unlock(7597137600296673653)"
APPEND_LOCK = "SELECT integrations.lock_log()"
RECOUNT = "SELECT integrations.recount()"
FEW = 500  # events that may be left to catch up with under the append lock
# Seconds to wait for those who read a view; at first short while others work, who wait behind us.
# The long ones are longer than deadlock_timeout, when an autovacuum gives way, and shorter than a
# writer's patience.
SHORT, LONG = (0.1,) * 20, (1.5,) * 20
Step = Literal["Reading the log", "Building indexes", "Comparing", "Switching"]
Tell = Callable[[Step, int, int], None]
"""Is told the step, how much of it is done, and how much there is to do."""


class RebuildError(Exception):
    """The views could not be rebuilt; the message is one line that says why. The old ones serve."""


class Rebuilt(Struct, frozen=True):
    """What was done: how many events were read, and how views differed that should not have."""

    events: int
    compared: Sequence[Compared]

    @property
    def differs(self) -> bool:
        """Whether a view was not as the log says."""
        return any(compared.amount for compared in self.compared)


def chosen(names: Iterable[str]) -> Catalogue:
    """Return the views called *names*, all where there is none.

    Raises:
        RebuildError: there is no such view.
    """
    known = {**PROJECTIONS, **JOURNALS}
    wanted = set(names) or known.keys()
    if unknown := wanted - known.keys():
        message = f"There is no view {', '.join(sorted(unknown))}; there are {', '.join(known)}."
        raise RebuildError(message)
    return Catalogue(
        tuple(view for name, view in PROJECTIONS.items() if name in wanted),
        tuple(view for name, view in JOURNALS.items() if name in wanted),
    )


def rebuild(dsn: str, catalogue: Catalogue, tell: Tell) -> Rebuilt:
    """Make the views of *catalogue* anew and put them in place.

    A view whose code has not changed is compared with its rows so far.

    Raises:
        RebuildError: another rebuild runs, or somebody reads a view for too long.
        LogDamagedError: the log has a hole, or a row of it more than one event.
    """
    with alone(dsn) as connection:
        making = Making(dsn, connection, catalogue, tell)
        events = making.fill()
        stale = outdated(connection, catalogue.views)
        fresh = [view for view in catalogue.views if view.name not in stale]
        compared, head = making.compare(events, tables_of(fresh))
        making.switch(head, recount=not counts_hold(compared))
        return Rebuilt(events, compared)


def check(dsn: str, catalogue: Catalogue, tell: Tell) -> Rebuilt:
    """Make the views of *catalogue* anew and compare; leave the live ones as they are.

    Raises:
        RebuildError: another rebuild runs.
        LogDamagedError: the log has a hole, or a row of it more than one event.
    """
    with alone(dsn) as connection:
        making = Making(dsn, connection, catalogue, tell)
        events = making.fill()
        compared, _ = making.compare(events, tables_of(catalogue.views))
        making.drop()
        return Rebuilt(events, compared)


def tables_of(views: Iterable[Projection[Any] | Journal[Any]]) -> list[str]:
    """Return the tables that hold *views*."""
    return [table for view in views for table in view.tables]


@contextmanager
def alone(dsn: str) -> Generator[Connection[TupleRow]]:
    """Yield a connection that no other rebuild has meanwhile."""
    with open_session(dsn) as connection:
        if connection.execute(ONE_AT_A_TIME).fetchone() != (True,):
            message = "A rebuild or a check is running already; wait for its end."
            raise RebuildError(message)
        yield connection
        connection.execute(NO_LONGER)  # a backend would take its time to end


class Making:
    """The shadows of all views of a catalogue, and what is done with them, step by step."""

    def __init__(
        self, dsn: str, connection: Connection[TupleRow], catalogue: Catalogue, tell: Tell
    ) -> None:
        self.dsn = dsn
        self.connection = connection
        self.catalogue = catalogue
        self.tell = tell
        self.traffic = Traffic(connection)
        self.shadows = [
            Shadow.of(connection, table, view.version)
            for view in catalogue.views
            for table in view.tables
        ]

    def fill(self) -> int:
        """Fill and index the shadows; return the position up to which they know the log."""
        for shadow in self.shadows:
            shadow.open(self.connection)
        head = head_of(self.connection)
        shares = shares_of(self.connection, head)
        fill = partial(load, self.dsn, self.catalogue, self.shadows)
        sessions = 1 + len(self.shadows)
        self.traffic.settle()
        self.traffic.expect(min(most_lanes(), len(shares)) * (sessions * OPENED + READIED))
        taken = load_all(fill, shares, self.traffic, self._reading(head), sessions)
        if taken != head:
            message = f"The log is damaged: it ends at position {head} and has {taken} events."
            raise LogDamagedError(message)
        self.traffic.settle()
        told = partial(self.tell, "Building indexes")
        build_indexes(self.dsn, self.connection, self.shadows, self.traffic, told)
        return head

    def _reading(self, head: int) -> Callable[[int], None]:
        return lambda done: self.tell("Reading the log", done, head)

    def compare(self, after: int, names: Sequence[str]) -> tuple[list[Compared], int]:
        """Catch up from *after* to the end of the log, and compare the tables *names* there.

        Return how they differ, and the position: that of the one snapshot in which all is done.
        """
        self.connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with self.connection.transaction():
            head = self._catch_up(after)
            wanted = [shadow for shadow in self.shadows if shadow.view in names]
            with self._beside() as other:
                compared = compare(
                    self.connection, other, wanted,
                    lambda done: self.tell("Comparing", done, len(wanted)),
                )  # fmt: skip
        self.connection.isolation_level = IsolationLevel.READ_COMMITTED
        self.traffic.settle()
        return compared, head

    def _beside(self) -> AbstractContextManager[Connection[TupleRow]]:
        """Return another session in the same snapshot; this one while others work."""
        if self.traffic.lanes == 1:
            return nullcontext(self.connection)
        return beside(self.dsn, self.connection)

    def switch(self, after: int, *, recount: bool) -> None:
        """Put the shadows, which know the log up to *after*, in their views' places.

        Where they may not hold, the counts of integrations are made anew: *recount*.
        """
        for wait in (*(SHORT if self.traffic.lanes == 1 else ()), *LONG):
            while head_of(self.connection) - after > FEW:
                with self.connection.transaction():
                    after = self._catch_up(after)
            try:
                with self.connection.transaction():
                    self._switch_within(after, wait)
                    if recount and self._has(integration_view.name):
                        self.connection.execute(RECOUNT)
            except psycopg.errors.LockNotAvailable:
                time.sleep(wait)
            else:
                self.tell("Switching", 1, 1)
                return
        message = "Somebody keeps a view locked, so that it cannot be switched; try again later."
        raise RebuildError(message)

    def _switch_within(self, after: int, wait: float) -> None:
        self.connection.execute(APPEND_LOCK)
        head = self._catch_up(after)
        self.connection.execute(
            "SELECT set_config('lock_timeout', %s, true)", (f"{wait * 1000:.0f}ms",)
        )
        for shadow in self.shadows:
            shadow.switch(self.connection, head)

    def _has(self, table: str) -> bool:
        return table in [shadow.view for shadow in self.shadows]

    def _catch_up(self, after: int) -> int:
        head = head_of(self.connection)
        catch_up(self.connection, self.catalogue, self.shadows, Part(after=after, to=head))
        return head

    def drop(self) -> None:
        """Drop the shadows."""
        for shadow in self.shadows:
            shadow.drop(self.connection)
