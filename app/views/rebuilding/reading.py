"""Reads a share of the log, one workspace after the other, each in the order of the log."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from app.log.stretches import Stretch, joined
from app.views.rebuilding.shares import Share

EVENTS = 10_000  # of a stretch: few enough commits that traffic.py takes none of them for a request
LAST = 2**63 - 1  # positions are bigint
# In the order of an index, so that no share is sorted, and no more than a stretch is in memory.
# Each stretch begins after the workspace and the position at which the last one ended.
STRETCH = SQL("""
SELECT
    string_agg(int8send(position), '' ORDER BY workspace_id, position),
    string_agg(envelope, ',' ORDER BY workspace_id, position),
    max(workspace_id)
FROM (
    SELECT workspace_id, position, envelope FROM integrations.events
    WHERE (workspace_id, position) > (%(workspace)s::text, %(position)s::bigint)
        AND position <= %(head)s {upto}
    ORDER BY workspace_id, position LIMIT %(limit)s
) AS stretch
""")
UPTO = SQL("AND workspace_id <= %(upto)s")


def stretches_of(log: Connection[TupleRow], share: Share) -> Iterator[Stretch]:
    """Yield all events of *share*; no transaction stays open between stretches."""
    statement = STRETCH.format(upto=SQL("") if share.upto is None else UPTO)
    wanted: dict[str, Any] = {"head": share.head, "upto": share.upto, "limit": EVENTS}
    workspace, position = ("", 0) if share.after is None else (share.after, LAST)
    while True:
        wanted |= {"workspace": workspace, "position": position}
        [row] = log.execute(statement, wanted, binary=True, prepare=True)
        positions, envelopes, workspace = row
        if positions is None:
            return
        stretch = joined(positions, envelopes)
        yield stretch
        position = stretch.positions[-1]
