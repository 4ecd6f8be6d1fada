"""Makes the shadows of views, step by step: fills, indexes, compares and switches them."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Literal

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from app.event_store.subscription import LogCorruptedError, LogRange, head_position
from app.views.rebuilding.catching_up import catch_up
from app.views.rebuilding.comparing import Compared, beside, compare
from app.views.rebuilding.folding import Catalogue
from app.views.rebuilding.glance import Glance
from app.views.rebuilding.indexing import builds
from app.views.rebuilding.jobs import do_jobs
from app.views.rebuilding.loading import load
from app.views.rebuilding.reading import READIED
from app.views.rebuilding.session import OPENED
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.shares import shares_of
from app.views.rebuilding.traffic import Traffic, most_lanes
from app.views.rebuilding.workers import load_all
from projections.integration_view import integration_view

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


class Making:
    """The shadows of all views of a *catalogue*; their tables *alike* should be as the views are.

    Its methods are called in the order in which they stand here, the last two one or the other.
    """

    def __init__(
        self,
        dsn: str,
        connection: Connection[TupleRow],
        catalogue: Catalogue,
        alike: Sequence[str],
        tell: Tell,
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
        self.alike = [shadow for shadow in self.shadows if shadow.view in alike]

    def fill(self) -> int:
        """Fill the shadows; return the position up to which they know the log."""
        for shadow in self.shadows:
            shadow.open(self.connection)
        head = head_position(self.connection)
        shares = shares_of(self.connection, head)
        fill = partial(load, self.dsn, self.catalogue, self.shadows)
        sessions = 1 + len(self.shadows)
        self.traffic.settle()
        self.traffic.expect(min(most_lanes(), len(shares)) * (sessions * OPENED + READIED))
        taken = load_all(fill, shares, self.traffic, self._reading(head), sessions)
        if taken != head:
            message = f"The log is damaged: it ends at position {head} and has {taken} events."
            raise LogCorruptedError(message)
        return head

    def _reading(self, head: int) -> Callable[[int], None]:
        return lambda done: self.tell("Reading the log", done, head)

    def index(self, head: int) -> Glance:
        """Index the shadows, which know the log up to *head*; return what was seen meanwhile."""
        self.traffic.settle()
        glance = Glance(head, self.alike)
        rests = self.traffic.lanes > 1 and head_position(self.connection) == head
        first = [
            *builds(self.connection, self.shadows),
            *(glance.jobs() if rests else ()),
            *[shadow.analyze for shadow in self.shadows],
        ]
        then = [shadow.index for shadow in self.shadows]
        do_jobs(self.dsn, self.traffic, (first, then), partial(self.tell, "Building indexes"))
        return glance

    def compare(self, after: int, glance: Glance) -> tuple[list[Compared], int]:
        """Compare the shadows that should be as their views are, at one position: return it, too.

        Where the *glance* at *after* was not enough, at the end of the log, with which they catch
        up.
        """
        if (seen := glance.found()) is not None:
            self.tell("Comparing", len(self.alike), len(self.alike))
            return seen, after
        self.connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with self.connection.transaction():
            head = self._catch_up(after)
            with self._beside() as other:
                compared = compare(
                    self.connection, other, self.alike,
                    lambda done: self.tell("Comparing", done, len(self.alike)),
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
            while head_position(self.connection) - after > FEW:
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
        head = head_position(self.connection)
        catch_up(self.connection, self.catalogue, self.shadows, LogRange(after=after, to=head))
        return head

    def drop(self) -> None:
        """Drop the shadows."""
        for shadow in self.shadows:
            shadow.drop(self.connection)
