"""Reads a share of the log, one workspace after the other, each in the order of the log."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from app.log.stretches import Stretch, joined
from app.views.rebuilding.shares import Share

EVENTS = 2_000  # of a stretch; longer ones are copied again and again while they grow
LAST = 2**63 - 1  # positions are bigint
# In the order of an index, so that no share is sorted, and no more than a stretch is in memory. The
# planner would rather sort by position what another index finds, the whole of a long workspace.
IN_ORDER = (
    "SET LOCAL enable_sort = off",
    "SET LOCAL enable_incremental_sort = off",
    "SET LOCAL enable_bitmapscan = off",
)
# Each stretch begins after the workspace and the position at which the last one ended. The inner
# order is that in which the aggregates take the rows (PostgreSQL's manual, 9.21); to have them
# sort for themselves takes twice as long.
STRETCH = SQL("""
SELECT string_agg(int8send(position), ''), string_agg(envelope, ','), max(workspace_id)
FROM (
    SELECT workspace_id, position, envelope FROM integrations.events
    WHERE (workspace_id, position) > (%(workspace)s::text, %(position)s::bigint)
        AND position <= %(head)s {upto}
    ORDER BY workspace_id, position LIMIT %(limit)s
) AS stretch
""")
UPTO = SQL("AND workspace_id <= %(upto)s")


def stretches_of(log: Connection[TupleRow], share: Share) -> Iterator[Stretch]:
    """Yield all events of *share*.

    All is read in one transaction, so that traffic.py takes none of it for a request. Between
    stretches it holds no snapshot (READ COMMITTED), and so keeps no vacuum from its work.
    """
    statement = STRETCH.format(upto=SQL("") if share.upto is None else UPTO)
    wanted: dict[str, Any] = {"head": share.head, "upto": share.upto, "limit": EVENTS}
    workspace, position = ("", 0) if share.after is None else (share.after, LAST)
    with log.transaction():
        for setting in IN_ORDER:
            log.execute(setting)
        while True:
            wanted |= {"workspace": workspace, "position": position}
            [row] = log.execute(statement, wanted, binary=True, prepare=True)
            positions, envelopes, workspace = row
            if positions is None:
                return
            stretch = joined(positions, envelopes)
            yield stretch
            position = stretch.positions[-1]
