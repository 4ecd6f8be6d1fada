"""Which version of each view's code made the rows that are served."""

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from psycopg import Connection
from psycopg.rows import TupleRow

ADOPT = """
INSERT INTO integrations.projections AS known (name, version)
SELECT %(name)s, CASE WHEN EXISTS (SELECT FROM integrations.events) THEN NULL ELSE %(version)s END
ON CONFLICT ON CONSTRAINT projections_name DO UPDATE SET version = excluded.version
WHERE known.version <> excluded.version
"""
log = logging.getLogger(__name__)
LIVE = "SELECT name, version FROM integrations.projections"


class Versioned(Protocol):
    """A projection or a journal."""

    @property
    def name(self) -> str:
        """Its name, which is that of its first table."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """The tables that hold it; each can be rebuilt."""
        ...

    @property
    def version(self) -> int:
        """The version of its code."""
        ...


def adopt_versions(connection: Connection[TupleRow], catalogue: Iterable[Versioned]) -> None:
    """Name the tables of every view of *catalogue* in the database, as its owner.

    As long as the log is empty every view is up to date, whatever its version; a view that is
    new to a log with events has none yet.
    """
    for view in catalogue:
        for table in view.tables:
            connection.execute(ADOPT, {"name": table, "version": view.version})


def outdated(connection: Connection[TupleRow], catalogue: Iterable[Versioned]) -> list[str]:
    """Return the names of the views of *catalogue* whose rows were made by other code."""
    live = dict(connection.execute(LIVE).fetchall())
    return [view.name for view in catalogue if live.get(view.name) != view.version]


def warn_of_outdated(connection: Connection[TupleRow], catalogue: Iterable[Versioned]) -> None:
    """Log one line that says which views were made by other code, and what to do."""
    if names := " ".join(outdated(connection, catalogue)):
        log.warning(
            "The rows of %s were made by another version of the code; they are served as they are"
            " until you run: integrations rebuild %s", names, names,
        )  # fmt: skip
