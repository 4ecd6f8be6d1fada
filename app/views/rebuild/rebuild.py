"""Rebuilds views from the log while reads and writes continue.

A shadow table is filled from the log, gets its indexes, catches up with what was
appended meanwhile, is compared with the view, and takes its place in one short transaction that
holds the append lock. Until that commits, the old view serves; a killed rebuild is run again.
"""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from app.event_store.log_range import head_position
from app.progress import ProgressCallback
from app.views.rebuild.catch_up import catch_up
from app.views.rebuild.comparison import LogComparison, TableComparison, compare, counts_match
from app.views.rebuild.fill import LogScope, fill
from app.views.rebuild.shadow_table import ShadowTable, open_session
from app.views.rebuild.versions import outdated_projections
from projections.integration_view import integration_view
from projections.projection import Projection
from projections.registry import PROJECTIONS

TRY_REBUILD_LOCK = "SELECT pg_try_advisory_lock(7597137600296673653)"
RELEASE_REBUILD_LOCK = "SELECT pg_advisory_unlock(7597137600296673653)"
APPEND_LOCK = "SELECT integrations.lock_log()"
SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"
RECOUNT = "SELECT integrations.recount()"
MAX_CATCH_UP_UNDER_LOCK = 500  # events
# Seconds to wait for readers of a view, while writers and new readers wait behind us: short first,
# then longer than deadlock_timeout, when an autovacuum gives way.
LOCK_TIMEOUTS = (0.1,) * 20 + (1.5,) * 20


class RebuildError(Exception):
    """A view cannot be rebuilt; the message is one line that says why. The old rows serve."""


def select_projections(names: Iterable[str]) -> Sequence[Projection[Any]]:
    """Return the projections called *names*, all for no name.

    Raises:
        RebuildError: there is no such view.
    """
    wanted = set(names) or PROJECTIONS.keys()
    if unknown := wanted - PROJECTIONS.keys():
        known = ", ".join(PROJECTIONS)
        message = f"There is no view {', '.join(sorted(unknown))}; there are {known}."
        raise RebuildError(message)
    return [projection for name, projection in PROJECTIONS.items() if name in wanted]


def rebuild(
    dsn: str, projections: Iterable[Projection[Any]], progress: ProgressCallback
) -> LogComparison:
    """Rebuild the views of *projections*, one after the other, and switch to each.

    A view whose code has not changed is compared with its rows so far.

    Raises:
        RebuildError: another rebuild runs, or somebody reads a view for too long.
        LogCorruptedError: a position is missing, or a row of the log is not one event.
    """
    events, tables = 0, list[TableComparison]()
    with exclusive_rebuild(dsn) as connection:
        for projection in projections:
            steps = Rebuild(dsn, connection, projection, progress)
            events = steps.fill()
            steps.index()
            compared = [] if outdated_projections(connection, [projection]) else steps.compare()
            steps.switch(recount=not counts_match(compared))
            tables += compared
    return LogComparison(events, tables)


@contextmanager
def exclusive_rebuild(dsn: str) -> Generator[Connection[TupleRow]]:
    """Yield a connection; no other rebuild runs meanwhile."""
    with open_session(dsn) as connection:
        if connection.execute(TRY_REBUILD_LOCK).fetchone() != (True,):
            message = "A rebuild is running already; wait for its end."
            raise RebuildError(message)
        yield connection
        connection.execute(RELEASE_REBUILD_LOCK)  # the server may take a while to end the session


class Rebuild:
    """The steps that rebuild one view, to be called in the order in which they stand here.

    `position` is that up to which the shadow table has the events.
    """

    def __init__(
        self,
        dsn: str,
        connection: Connection[TupleRow],
        projection: Projection[Any],
        progress: ProgressCallback,
    ) -> None:
        self.dsn = dsn
        self.connection = connection
        self.shadow = ShadowTable(connection, projection)
        self.progress = progress
        self.position = 0

    def fill(self) -> int:
        """Create the shadow table and fill it; return how many events were read.

        No commit waits for the disk: what a crash takes from a shadow table is rebuilt anyway.
        """
        self.connection.execute("SET synchronous_commit = off")
        self.shadow.create()
        self.position = head_position(self.connection)
        return fill(self.dsn, self.shadow, LogScope(self.position), self.progress)

    def index(self) -> None:
        """Build the indexes and keys that the view has."""
        names = self.shadow.index_names()
        for number, name in enumerate(names, start=1):
            self.shadow.build_index(name)
            self.progress("Building indexes", number, len(names))
        self.shadow.analyze()

    def compare(self) -> list[TableComparison]:
        """Compare the shadow table with the view, both in one snapshot."""
        self.connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with self.connection.transaction():
            self._catch_up()
            compared = compare(self.shadow)
        self.connection.isolation_level = None
        self.progress("Comparing", 1, 1)
        return compared

    def switch(self, *, recount: bool) -> None:
        """Put the shadow table in the view's place; count integrations again if *recount*.

        This commit waits for the disk, and so for all commits before it.

        Raises:
            RebuildError: somebody keeps the view locked.
        """
        self.connection.execute("RESET synchronous_commit")
        for timeout in LOCK_TIMEOUTS:
            while head_position(self.connection) - self.position > MAX_CATCH_UP_UNDER_LOCK:
                with self.connection.transaction():
                    self._catch_up()
            try:
                self._try_switch(timeout, recount=recount)
            except psycopg.errors.LockNotAvailable:
                time.sleep(timeout)
            else:
                self.progress("Switching", 1, 1)
                return
        message = "Somebody keeps a view locked, so that it cannot be switched; try again later."
        raise RebuildError(message)

    def _try_switch(self, timeout: float, *, recount: bool) -> None:
        before = self.position
        try:
            with self.connection.transaction():
                self.connection.execute(APPEND_LOCK)
                self._catch_up()
                self.connection.execute(SET_LOCK_TIMEOUT, (f"{timeout * 1000:.0f}ms",))
                self.shadow.switch(self.position)
                if recount and self.shadow.projection.name == integration_view.name:
                    self.connection.execute(RECOUNT)
        except psycopg.errors.LockNotAvailable:
            self.position = before  # what it caught up with is undone
            raise

    def _catch_up(self) -> None:
        head = head_position(self.connection)
        catch_up(self.shadow, self.position, head)
        self.position = head
