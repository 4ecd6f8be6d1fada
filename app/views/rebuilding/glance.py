"""Compares shadows with their views while indexes are built, where the log rests meanwhile."""

from collections.abc import Sequence
from functools import partial

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import Identifier

from app.views.rebuilding.comparing import Checksum, Compared, checksum, compare_counts
from app.views.rebuilding.jobs import Job
from app.views.rebuilding.shadows import Shadow

BOTH = 2  # view and shadow


class Glance:
    """Takes the checksums of views and of their shadows, which know the log up to *head*; mutable.

    Each is taken by one statement, and is of the position that this statement saw. So no snapshot
    is held, jobs may be done in any order and beside each other, and where something was appended
    meanwhile they were for nothing.
    """

    def __init__(self, head: int, shadows: Sequence[Shadow]) -> None:
        self._head = head
        self._shadows = shadows
        self._seen: dict[str, list[Checksum]] = {shadow.view: [] for shadow in shadows}
        self._counted: list[Compared] = []

    def jobs(self) -> list[Job]:
        """Return what is to be done, each job on a session."""
        sums = [
            partial(self._take, shadow.view, table)
            for shadow in self._shadows
            for table in (shadow.live, shadow.table)
        ]
        return [*sums, self._count]

    def _take(self, view: str, table: Identifier, session: Connection[TupleRow]) -> None:
        self._seen[view].append(checksum(session, table))

    def _count(self, session: Connection[TupleRow]) -> None:
        self._counted = compare_counts(session, self._shadows)

    def found(self) -> list[Compared] | None:
        """Return that no view differs from its shadow, and how counts do; None if not all was seen.

        All jobs have been done, or none.
        """
        if not all(map(self._is_same, self._seen.values())):
            return None
        return [Compared(view, 0, []) for view in self._seen] + self._counted

    def _is_same(self, seen: Sequence[Checksum]) -> bool:
        return len(seen) == BOTH and seen[0] == seen[1] and seen[0].position == self._head
