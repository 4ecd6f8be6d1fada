"""Compares the history with the entries that follow from the log, and its parts with each other."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import MsgspecError
from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg.sql import SQL, Composed

from app.audit.finding import Finding
from app.views.kept import kept_in
from projections.history import HistoryRow

Place = tuple[str, int]
"""Workspace and position."""
AT_POSITIONS = """
SELECT workspace_id, position, action, actor_id, created_at, entry
FROM unnest(%s::text[], %s::bigint[]) AS wanted (workspace_id, position), LATERAL (
    SELECT
        actions[place] AS action, actors[place] AS actor_id, times[place] AS created_at,
        substr(
            entries, coalesce(ends[place - 1], 0) + 1, ends[place] - coalesce(ends[place - 1], 0)
        ) AS entry
    FROM (
        SELECT *, array_position(positions, wanted.position) AS place
        FROM integrations.history_pages AS page
        WHERE page.workspace_id = wanted.workspace_id AND last_position >= wanted.position
        ORDER BY last_position LIMIT 1
    ) AS bound WHERE place IS NOT NULL
    UNION ALL
    SELECT action, actor_id, created_at, entry FROM integrations.history AS leaf
    WHERE leaf.workspace_id = wanted.workspace_id AND leaf.position = wanted.position
) AS found
"""
# Every entry by its position, with what is beside it in its leaf or page; of a page, latest_at and
# late_from are those of its end.
EVERY = SQL("""
WITH beside AS (
    SELECT
        workspace_id, sequence, position, created_at, latest_at, true AS is_loose,
        NULL::bigint AS page, NULL::timestamptz AS late_from
    FROM integrations.history
    UNION ALL
    SELECT
        workspace_id, page * 64 + place, position, at,
        CASE place WHEN 64 THEN latest_at END, false, page, late_from
    FROM integrations.history_pages,
        unnest(positions, times) WITH ORDINALITY AS entry (position, at, place)
),
every AS (
    SELECT
        *,
        row_number() OVER following AS number,
        max(created_at) OVER following AS latest,
        count(*) OVER (PARTITION BY workspace_id) AS amount
    FROM beside
    WHERE %(workspace)s::text IS NULL OR workspace_id = %(workspace)s
    WINDOW following AS (PARTITION BY workspace_id ORDER BY position)
)
""")
NO_EVENT = EVERY + SQL("""
SELECT min(position)
FROM every LEFT JOIN integrations.events AS event USING (position, workspace_id)
WHERE event.envelope IS NULL
""")
MISPLACED = EVERY + SQL("""
SELECT min(position) FROM every
WHERE sequence <> number OR latest_at <> latest OR is_loose <> (number > (amount - 1) / 64 * 64)
""")
MISBOUND = EVERY + SQL("""
SELECT min(positions[1])
FROM integrations.history_pages AS bound
LEFT JOIN (
    SELECT workspace_id, page, min(created_at) FILTER (WHERE created_at < latest) AS late_from
    FROM every WHERE NOT is_loose GROUP BY workspace_id, page
) AS made USING (workspace_id, page)
WHERE (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s) AND (
    64 <> ANY (ARRAY[
        cardinality(positions), cardinality(actions), cardinality(actors), cardinality(times),
        cardinality(ends)
    ])
    OR last_position <> positions[64] OR ends[64] <> length(entries)
    OR bound.late_from IS DISTINCT FROM made.late_from
)
""")
MISLISTED = SQL("""
WITH made AS (
    SELECT
        workspace_id, list, volume,
        sum(cardinality(places)) OVER (PARTITION BY workspace_id, list ORDER BY volume) AS upto,
        places
    FROM (
        SELECT
            workspace_id, list, page / 16 AS volume,
            array_agg((page %% 16 * 64 + place)::smallint ORDER BY page, place) AS places
        FROM integrations.history_pages
        JOIN (
            SELECT workspace_id, count(*) / 16 AS volumes FROM integrations.history_pages
            GROUP BY workspace_id
        ) AS whole USING (workspace_id),
            unnest(actions, actors) WITH ORDINALITY AS entry (action, actor, place),
            unnest(ARRAY[action, ' ' || actor, action || ' ' || actor]) AS list
        WHERE page / 16 < volumes
        GROUP BY workspace_id, list, page / 16
    ) AS listed
)
SELECT min(coalesce((
    SELECT positions[1] FROM integrations.history_pages AS first
    WHERE first.workspace_id = wrong.workspace_id AND page = volume * 16
), 0)) FROM (
    SELECT workspace_id, volume
    FROM integrations.history_lists AS kept FULL JOIN made USING (workspace_id, list, volume)
    WHERE (kept.upto, kept.places) IS DISTINCT FROM (made.upto, made.places)
        AND (%(workspace)s::text IS NULL OR workspace_id = %(workspace)s)
) AS wrong
""")
SAID: Sequence[tuple[SQL | Composed, str]] = (
    (NO_EVENT, "a row is there without its event"),
    (MISPLACED, "the row does not follow in sequence or latest_at"),
    (MISBOUND, "the page that begins here is not bound as its entries are"),
    (MISLISTED, "the volume that begins here is not listed as its entries are"),
)


class Found(NamedTuple):
    """An entry as it is stored, and what is stored beside it."""

    workspace_id: str
    position: int
    action: str
    actor_id: str
    created_at: datetime
    entry: bytes


async def wrong_entries(
    connection: AsyncConnection, expected: Mapping[Place, HistoryRow]
) -> list[Finding]:
    """Return where the history does not tell of events as *expected*."""
    keys = [*map(list, zip(*expected, strict=True))] or [[], []]
    cursor = connection.cursor(row_factory=args_row(Found))
    await cursor.execute(AT_POSITIONS, keys, binary=True)
    found = {(each.workspace_id, each.position): each for each in await cursor.fetchall()}
    return [
        Finding(position, f"history: {wrong}")
        for (workspace, position), row in expected.items()
        if (wrong := difference(found.get((workspace, position)), row))
    ]


def difference(found: Found | None, wanted: HistoryRow) -> str | None:
    """Say, without any value, in what an entry differs from the one that is *wanted*."""
    if found is None:
        return "a row is missing"
    wrong = sorted({*differing(found, wanted)})
    return f"the row after this event has other {', '.join(wrong)}" if wrong else None


def differing(found: Found, wanted: HistoryRow) -> Iterator[str]:
    """Yield what differs, in the entry or beside it."""
    beside = ("action", "actor_id", "created_at")
    yield from (name for name in beside if getattr(found, name) != getattr(wanted, name))
    try:
        kept = kept_in(found.entry)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        yield "entry"
    else:
        named = zip(("resource_name", "was"), kept, (wanted.resource_name, wanted.was), strict=True)
        yield from (name for name, one, other in named if one != other)


async def misbound(connection: AsyncConnection, workspace: str | None) -> list[Finding]:
    """Return where leaves, pages and lists do not go together."""
    found: list[Finding] = []
    for statement, what in SAID:
        cursor = await connection.execute(statement, {"workspace": workspace})
        [(position,)] = await cursor.fetchall()
        if position is not None:
            found.append(Finding(position, f"history: {what}"))
    return found
