"""Which integrations a list shows: filters, order and part, as statements made of fixed parts."""

from typing import Any, Literal

from msgspec import Struct
from psycopg.sql import SQL, Composed, Identifier

from projections.integration_view import IntegrationRow

Column = Literal["created_at", "updated_at", "name_key"]
Key = tuple[Any, str]  # value of the sort column, id
Query = tuple[Composed, dict[str, Any]]

COLUMNS = SQL(", ").join(map(Identifier, IntegrationRow.__struct_fields__))
SELECT_SQL = SQL("SELECT {} FROM {}")
VIEW_SQL = SQL("integrations.integration_view")
SEARCH_SQL = SQL("integrations.search_integrations(%(patterns)s)")
COUNT_MATCHES_SQL = SQL("SELECT count(*), ({}) FROM integrations.search_integrations(%(patterns)s)")
STORED_COUNT_SQL = SQL(
    "SELECT coalesce(sum(amount), 0)::bigint, ({}) FROM integrations.integration_counts"
)
LAST_SEQUENCE_SQL = SQL("""
SELECT max(sequence) FROM integrations.events WHERE workspace_id = %(workspace)s
""")


class ListFilter(Struct, frozen=True, kw_only=True):
    """Which integrations of a workspace match.

    `types` are provider types of which one must fit, None for any; `searches` are folded texts of
    which name or sender must contain one, none if there is no search.
    """

    workspace: str
    types: tuple[str, ...] | None = None
    is_active: bool | None = None
    searches: tuple[str, ...] = ()


class SortOrder(Struct, frozen=True):
    """What a list is sorted by; integrations alike in it are sorted by their id."""

    column: Column = "created_at"
    descending: bool = False


class PageRequest(Struct, frozen=True, kw_only=True):
    """A part of a sorted list: *limit* rows, None for all, after *skip* rows after *after*."""

    limit: int | None = None
    after: Key | None = None
    skip: int = 0


def rows_query(selection: ListFilter, order: SortOrder, part: PageRequest) -> Query:
    """Return the statement for the rows of *part*; an index holds them in this very order."""
    where, parameters = where_clause(selection)
    direction, beyond = (SQL("DESC"), SQL("<")) if order.descending else (SQL("ASC"), SQL(">"))
    column = Identifier(order.column)
    if part.after is not None:
        where += SQL(" AND ({}, id) {} (%(key)s, %(id)s)").format(column, beyond)
        parameters |= {"key": part.after[0], "id": part.after[1]}
    rows = SELECT_SQL.format(COLUMNS, SEARCH_SQL if selection.searches else VIEW_SQL)
    statement = rows + where + SQL(" ORDER BY {0} {1}, id {1}").format(column, direction)
    if part.limit is not None:
        statement += SQL(" LIMIT %(limit)s OFFSET %(skip)s")
        parameters |= {"limit": part.limit, "skip": part.skip}
    return statement, parameters


def count_query(selection: ListFilter) -> Query:
    """Return the statement for how many match, and for the workspace's last sequence.

    Without a search they are counted already, so that it costs the same however many there are.
    """
    where, parameters = where_clause(selection)
    counting = COUNT_MATCHES_SQL if selection.searches else STORED_COUNT_SQL
    return counting.format(LAST_SEQUENCE_SQL) + where, parameters


def where_clause(selection: ListFilter) -> Query:
    """Return the condition that *selection* is, but for its search, which is another table."""
    where = Composed([SQL(" WHERE workspace_id = %(workspace)s")])
    if selection.types is not None:
        where += SQL(" AND type = ANY (%(types)s)")
    if selection.is_active is not None:
        where += SQL(" AND is_active = %(is_active)s")
    return where, {
        "workspace": selection.workspace,
        "types": list(selection.types or ()),
        "is_active": selection.is_active,
        "patterns": [*map(like_pattern, selection.searches)],
    }


def row_matches(row: IntegrationRow, selection: ListFilter) -> bool:
    """Return whether *row* is one of *selection*, for rows that no table holds."""
    return (
        (selection.types is None or row.type in selection.types)
        and selection.is_active in (None, row.is_active)
        and (not selection.searches or any(text in row.search_text for text in selection.searches))
    )


def like_pattern(text: str) -> str:
    """Return the pattern of LIKE for all that contains *text*, with any characters in it."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"


def sort_key(row: IntegrationRow, order: SortOrder) -> Key:
    """Return where *row* stands in *order*."""
    return getattr(row, order.column), row.id
