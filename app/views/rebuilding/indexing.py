"""Gives filled shadows the indexes of their views."""

from collections.abc import Iterable
from functools import partial
from operator import itemgetter

from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.jobs import Job
from app.views.rebuilding.shadows import Shadow


def builds(connection: Connection[TupleRow], shadows: Iterable[Shadow]) -> list[Job]:
    """Return the building of each index of the views of *shadows*, as *connection* finds them.

    Those that take longest come first, so that the last one is a short one.
    """
    found = [
        (work, shadow, name) for shadow in shadows for name, work in shadow.indexes(connection)
    ]
    found.sort(key=itemgetter(0), reverse=True)
    return [partial(build, shadow, name) for _, shadow, name in found]


def build(shadow: Shadow, index: str, session: Connection[TupleRow]) -> None:
    """Give *shadow* its view's *index*."""
    shadow.build(session, index)
