"""The numbered lists of the history, and the SQL that finds numbers in them.

How the numbers are made, and what `latest_at` is: app/database/migrations/0005_history.sql.
"""

from typing import LiteralString

from msgspec import Struct
from psycopg.sql import SQL, Composed

# LIMIT 1, here and in every look-up below, has the planner go through the index of the number; a
# join or max() may read the whole list where the planner believes that it is short.
LAST = """
coalesce((
    SELECT {number} FROM integrations.history
    WHERE workspace_id = %(workspace)s AND {condition} AND {number} > 0
    ORDER BY {number} DESC LIMIT 1
), 0)
"""


class Numbering(Struct, frozen=True):
    """A numbered list: which entries are in it, and the column of the number."""

    condition: LiteralString
    number: LiteralString

    def sql(self, template: LiteralString) -> Composed:
        """Return *template* for this list."""
        parts = {"condition": SQL(self.condition), "number": SQL(self.number)}
        return SQL(template).format(**parts, last=SQL(LAST).format(**parts))


OF_WORKSPACE = Numbering("TRUE", "sequence")
OF_RESOURCE = Numbering("stream = %(resource)s", "version")
OF_ACTION = Numbering("action = %(action)s", "action_sequence")
OF_USER = Numbering("actor_id = %(user)s", "actor_sequence")
OF_BOTH = Numbering(
    "action_actor = %(action)s::text || ' ' || %(user)s::text", "actor_action_sequence"
)

# Each of these returns the fields of Numbers.
ALL = "SELECT 0, {last}"
# Halves the numbers until it has the last one that was recorded up to each of the two moments.
# `late` are the entries that happened up to a moment and were recorded after it.
BETWEEN = """
WITH RECURSIVE
search (moment, low, high) AS (
    SELECT moment, 0::bigint, {last}
    FROM (VALUES (%(before)s::timestamptz), (%(until)s)) AS moments (moment)
    UNION ALL
    SELECT
        moment,
        CASE WHEN probed.latest_at <= moment THEN middle ELSE low END,
        CASE WHEN probed.latest_at <= moment THEN high ELSE middle - 1 END
    FROM search,
        LATERAL (SELECT (low + high + 1) / 2 AS middle) AS halved,
        LATERAL (
            SELECT latest_at FROM integrations.history
            WHERE workspace_id = %(workspace)s AND {condition} AND {number} = middle LIMIT 1
        ) AS probed
    WHERE low < high
),
late (moment, number, created_at) AS (
    SELECT moment, {number}, created_at
    FROM (VALUES (%(before)s::timestamptz), (%(until)s)) AS moments (moment),
        integrations.late_entries(moment) AS one (place),
        LATERAL (
            SELECT * FROM integrations.history AS kept
            WHERE kept.workspace_id = %(workspace)s AND kept.sequence = one.place LIMIT 1
        ) AS entry
    WHERE {condition}
),
bounds (below, upto) AS (
    SELECT
        (SELECT low FROM search WHERE low = high AND moment = %(before)s LIMIT 1),
        (SELECT low FROM search WHERE low = high AND moment = %(until)s LIMIT 1)
)
SELECT
    below,
    greatest(below, upto),
    ARRAY(SELECT number FROM late WHERE moment = %(before)s AND number <= upto ORDER BY 1 DESC),
    ARRAY(
        SELECT number FROM late WHERE moment = %(until)s AND created_at > %(before)s
        ORDER BY 1 DESC
    )
FROM bounds
"""
ONE_BY_ONE = """
SELECT 0, 0, '{{}}'::bigint[], ARRAY(
    SELECT {number} FROM integrations.history
    WHERE workspace_id = %(workspace)s AND {condition}
        AND (%(action)s::text IS NULL OR action = %(action)s)
        AND (%(user)s::text IS NULL OR actor_id = %(user)s)
        AND created_at > %(before)s AND created_at <= %(until)s
    ORDER BY {number} DESC
)
"""
ENTRIES = """
SELECT workspace_id, stream, version, resource_name, action, details, actor_id, actor_name,
       actor_email, ip_address, created_at, position
FROM unnest(%(numbers)s::bigint[]) AS wanted (number), LATERAL (
    SELECT * FROM integrations.history
    WHERE workspace_id = %(workspace)s AND {condition} AND {number} = wanted.number LIMIT 1
) AS entry
ORDER BY wanted.number DESC
"""
