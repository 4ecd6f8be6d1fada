"""Cuts the log into shares of whole workspaces, each of about the same number of events."""

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

EVENTS = 20_000  # of a share, about: the last ones leave no core idle for long
MOST = 512  # shares
LOOKS = 16  # at the log, for each share
# Sorted where they are compared: a database may have an order of its own.
LOOKED_AT = """
SELECT workspace_id FROM integrations.events WHERE position = ANY (%s) ORDER BY workspace_id
"""


class Share(Struct, frozen=True):
    """The events up to `head` of the workspaces after one up to another; None is no bound."""

    head: int
    after: str | None = None
    upto: str | None = None


def shares_of(connection: Connection[TupleRow], head: int) -> list[Share]:
    """Return shares that are all events up to *head*, and each once."""
    amount = min(max(head // EVENTS, 1), MOST)
    positions = [head * look // (LOOKS * amount) for look in range(1, LOOKS * amount + 1)]
    seen = [name for (name,) in connection.execute(LOOKED_AT, (positions,))]
    bounds = sorted_unique([seen[len(seen) * cut // amount] for cut in range(1, amount)])
    return [
        Share(head, after, upto)
        for after, upto in zip([None, *bounds], [*bounds, None], strict=True)
    ]


def sorted_unique(names: list[str]) -> list[str]:
    """Return *names*, which are sorted, each once."""
    return list(dict.fromkeys(names))
