"""The numbered lists of a workspace's history, and the SQL that finds numbers in them.

What is stored, and how it is numbered: app/database/migrations/0013_history_pages.sql, and kept.py.
"""

from typing import LiteralString

from msgspec import Struct
from psycopg.sql import SQL, Composed


class Numbering(Struct, frozen=True):
    """A numbered list, in SQL: its length, and the way from its numbers to the workspace's.

    `sequences` are the numbers in the workspace of what has the numbers `{}` in the list; `numbers`
    tells how many of the list stand up to each of `{}`, numbers in the workspace. `condition` is
    that an entry is in the list.
    """

    length: LiteralString
    sequences: LiteralString
    numbers: LiteralString = "{}"
    condition: LiteralString = "TRUE"

    def sql(self, template: LiteralString) -> Composed:
        """Return *template* for this list."""
        numbers = {name: SQL(self.numbers).format(SQL(array)) for name, array in ARRAYS.items()}
        return SQL(template).format(
            length=SQL(self.length),
            sequences=SQL(self.sequences).format(SQL("%(chosen)s::bigint[]")),
            condition=SQL(self.condition),
            **numbers,
        )


ARRAYS: dict[str, LiteralString] = {
    "recorded": "ARRAY[before, until]",
    "without": "without",
    "later": "later",
}
EVERYTHING = "integrations.history_length(%(workspace)s)"
LISTED = "integrations.numbers_in_list(%(workspace)s, %(action)s, %(user)s, {})"
PLACES = "integrations.sequences_in_list(%(workspace)s, %(action)s, %(user)s, {})"
AMOUNT = f"({LISTED.format(f'ARRAY[{EVERYTHING}]')})[1]"
POSITIONS = "integrations.sequences_at(%(workspace)s, {})"
VERSIONS = POSITIONS.format("integrations.stream_positions(%(resource)s, {})")

OF_WORKSPACE = Numbering(EVERYTHING, "{}")
OF_ACTION = Numbering(AMOUNT, PLACES, LISTED, "action = %(action)s")
OF_USER = Numbering(AMOUNT, PLACES, LISTED, "actor_id = %(user)s")
OF_BOTH = Numbering(AMOUNT, PLACES, LISTED, "action = %(action)s AND actor_id = %(user)s")
OF_RESOURCE = Numbering("integrations.stream_length(%(resource)s)", VERSIONS)
BY_POSITION = Numbering("0", POSITIONS)

# Each of these returns the fields of Numbers.
ALL = "SELECT 0, {length}"
BETWEEN = """
WITH recorded AS MATERIALIZED (
    SELECT
        integrations.recorded_by(%(workspace)s, %(before)s) AS before,
        integrations.recorded_by(%(workspace)s, %(until)s) AS until
),
late AS MATERIALIZED (
    SELECT
        ARRAY(
            SELECT sequence FROM integrations.late_entries(%(before)s)
            WHERE {condition} AND sequence <= until ORDER BY sequence DESC
        ) AS without,
        ARRAY(
            SELECT sequence FROM integrations.late_entries(%(until)s)
            WHERE {condition} AND created_at > %(before)s ORDER BY sequence DESC
        ) AS later
    FROM recorded
),
numbered AS MATERIALIZED (
    SELECT {recorded} AS upto, {without} AS without, {later} AS later FROM recorded, late
)
SELECT upto[1], greatest(upto[1], upto[2]), without, later FROM numbered
"""
ENTRIES = """
SELECT position, integrations.event_at(position), entry
FROM integrations.entries_at(%(workspace)s, {sequences})
"""
