"""Which version of each projection's code made the rows that are served."""

import logging
from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.rights import owns_schema
from projections.projection import Projection

REGISTER_SQL = """
INSERT INTO integrations.projections AS known (name, version)
SELECT %(name)s, CASE WHEN EXISTS (SELECT FROM integrations.events) THEN NULL ELSE %(version)s END
ON CONFLICT ON CONSTRAINT projections_name DO UPDATE SET version = excluded.version
WHERE known.version <> excluded.version
"""
VERSIONS_SQL = "SELECT name, version FROM integrations.projections"
log = logging.getLogger(__name__)


def register_versions(
    connection: Connection[TupleRow], projections: Iterable[Projection[Any]]
) -> None:
    """Register *projections* in the database, so that they can be rebuilt; only its owner does.

    As long as the log is empty every view is up to date, whatever its version; a view that is
    new to a log with events has no version yet.
    """
    for projection in projections if owns_schema(connection) else ():
        named = {"name": projection.name, "version": projection.version}
        connection.execute(REGISTER_SQL, named)


def outdated_projections(
    connection: Connection[TupleRow], projections: Iterable[Projection[Any]]
) -> list[str]:
    """Return the names of those *projections* whose rows were made by another version."""
    live = dict(connection.execute(VERSIONS_SQL).fetchall())
    return [each.name for each in projections if live.get(each.name) != each.version]


def warn_if_outdated(
    connection: Connection[TupleRow], projections: Iterable[Projection[Any]]
) -> None:
    """Log one line that says which views were made by another version, and what to do."""
    if names := " ".join(outdated_projections(connection, projections)):
        log.warning(
            "The rows of %s were made by another version of the code; they are served as they are"
            " until you run: integrations rebuild %s", names, names,
        )  # fmt: skip
