"""Makes views anew from the log beside the live ones, and switches; or only compares.

A view is filled up to the log's present end by several processes, gets its keys, catches up
with what was appended meanwhile, is compared with the live view where both should be equal, and
takes its place in one short transaction that holds the append lock. Reads and writes go on. Before
that transaction commits the old view serves; whatever ends the rebuild, it simply runs again.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.comparing import Compared, counts_hold
from app.views.rebuilding.folding import Catalogue
from app.views.rebuilding.making import Making, RebuildError, Tell
from app.views.rebuilding.session import open_session
from app.views.rebuilding.versions import outdated
from projections.journal import Journal
from projections.projection import Projection
from projections.registry import JOURNALS, PROJECTIONS

ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(7597137600296673653)"
NO_LONGER = "SELECT pg_advisory_unlock(7597137600296673653)"


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
        stale = outdated(connection, catalogue.views)
        fresh = [view for view in catalogue.views if view.name not in stale]
        making = Making(dsn, connection, catalogue, tables_of(fresh), tell)
        events = making.fill()
        compared, head = making.compare(events, making.index(events))
        making.switch(head, recount=not counts_hold(compared))
        return Rebuilt(events, compared)


def check(dsn: str, catalogue: Catalogue, tell: Tell) -> Rebuilt:
    """Make the views of *catalogue* anew and compare; leave the live ones as they are.

    Raises:
        RebuildError: another rebuild runs.
        LogDamagedError: the log has a hole, or a row of it more than one event.
    """
    with alone(dsn) as connection:
        making = Making(dsn, connection, catalogue, tables_of(catalogue.views), tell)
        events = making.fill()
        compared, _ = making.compare(events, making.index(events))
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
