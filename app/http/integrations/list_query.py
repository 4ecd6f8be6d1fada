"""The query of the list of integrations: filters, order, page (docs/api.md#lists)."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from app.http.dependencies import Dependencies, get_dependencies
from app.http.errors import FieldFinding, InvalidFieldsError
from app.http.expensive_requests import run_limited
from app.http.field_rules import NOT_A_BOOLEAN, FieldError, FieldProblem, Rule, choice
from app.http.integrations.cursors import (
    INVALID_CURSOR,
    Cursor,
    cursor_key,
    cursor_order,
    cursor_rule,
)
from app.http.integrations.search import search_terms
from app.http.query_parameters import QuerySchema, integer
from app.http.text_rules import pasted_schema, read_line, text
from app.http.timestamps import POINT_IN_TIME
from app.http.types import ApiRequest
from app.views.as_of import PointInTime
from app.views.integrations import Page
from app.views.list_queries import ListFilter, SortOrder, row_matches, sort_key
from domain.integration import Channel
from domain.provider import Providers
from projections.integration_view import IntegrationRow
from projections.search_text import normalize_for_search

ORDERS: Mapping[str, SortOrder] = {
    "createdAt": SortOrder(),
    "-createdAt": SortOrder("created_at", descending=True),
    "name": SortOrder("name_key"),
    "-name": SortOrder("name_key", descending=True),
    "updatedAt": SortOrder("updated_at"),
    "-updatedAt": SortOrder("updated_at", descending=True),
}
PAGE_SIZE = 20
MIN_INDEXED_SEARCH = 3  # characters: the index of texts holds three in a row
PAGE_AND_CURSOR = FieldProblem("CONFLICTING_PARAMETERS", "Give page or cursor, not both")
LIMIT_AND_PAGE_SIZE = FieldProblem(
    "CONFLICTING_PARAMETERS", "limit and pageSize are the same; give one"
)
MAX_SEARCH_LENGTH = 120  # characters
NOTHING_TO_SEARCH = FieldProblem(
    "NOTHING_TO_SEARCH", "This holds nothing but marks and spaces, which a search ignores"
)
CURSOR_WITH_AS_OF = FieldProblem("CONFLICTING_PARAMETERS", "A list of the past has no cursor")


class ListQuery(Struct, rename="camel", frozen=True, kw_only=True):
    """The parameters of a list request; None if absent."""

    as_of: PointInTime | None = None
    channel: Channel | None = None
    type: str | None = None
    is_active: bool | None = None
    q: str | None = None
    sort: str | None = None
    limit: int | None = None
    page_size: int | None = None
    page: int | None = None
    cursor: Cursor | None = None

    @property
    def size(self) -> int | None:
        """The size of a page; None for all integrations."""
        paged = self.page is not None or self.cursor is not None
        return self.limit or self.page_size or (PAGE_SIZE if paged else None)

    @property
    def order(self) -> SortOrder:
        """The sort order: that of the cursor, or of `sort`, or oldest first."""
        if self.cursor is not None:
            return cursor_order(self.cursor)
        return ORDERS[self.sort or "createdAt"]


def parse_bool(value: object) -> bool:
    """Parse `true` or `false`, which Python and C# write `True`; raise FieldError for others."""
    word = str(value).lower()
    if word not in ("true", "false"):
        raise FieldError(NOT_A_BOOLEAN)
    return word == "true"


def parse_search(value: object) -> str:
    """Parse the text that is searched; raise FieldError if folding it leaves nothing."""
    string = read_line(value, MAX_SEARCH_LENGTH)
    if not normalize_for_search(string).strip():
        raise FieldError(NOTHING_TO_SEARCH)
    return string


def find_conflicts(query: ListQuery) -> Iterator[FieldFinding]:
    """Find parameters that do not go together."""
    if query.page is not None and query.cursor is not None:
        yield "cursor", PAGE_AND_CURSOR
    if query.limit is not None and query.page_size is not None:
        yield "pageSize", LIMIT_AND_PAGE_SIZE
    if query.as_of is not None and query.cursor is not None:
        yield "cursor", CURSOR_WITH_AS_OF
    if query.sort is not None and query.cursor is not None and query.order != ORDERS[query.sort]:
        yield "cursor", INVALID_CURSOR


LIST_QUERY = QuerySchema(
    shape=ListQuery,
    rules={
        "asOf": POINT_IN_TIME,
        "channel": choice(("EMAIL", "SMS", "PUSH")),
        "type": text(64),
        "isActive": Rule(parse_bool, {"type": "boolean"}),
        "q": Rule(parse_search, pasted_schema(MAX_SEARCH_LENGTH)),
        "sort": choice(ORDERS),
        "limit": integer(1, 200),
        "pageSize": integer(1, 200),
        "page": integer(1, 1_000_000_000),
        "cursor": cursor_rule,
    },
    checks=(find_conflicts,),
)


async def load_page(request: ApiRequest) -> tuple[Page, SortOrder]:
    """Return the page that *request* selects, and its sort order.

    Raises:
        InvalidFieldsError: one or more parameters are wrong, or do not go together.
        RateLimitExceededError, TooMuchToReadError: it reads much, as others do, or too much.
    """
    dependencies, query = get_dependencies(request.app), LIST_QUERY.read(request)
    require_known_type(query, dependencies.providers)
    selection = list_filter(request.user.workspace, query, dependencies.providers)
    page = fetch_page(dependencies, selection, query)
    if reads_much(selection, query):
        page = run_limited(request, page)
    return await page, query.order


def reads_much(selection: ListFilter, query: ListQuery) -> bool:
    """Return whether *query* reads the log, or all integrations: no index has so short a text."""
    short = any(len(text) < MIN_INDEXED_SEARCH for text in selection.searches)
    return query.as_of is not None or short


async def fetch_page(dependencies: Dependencies, selection: ListFilter, query: ListQuery) -> Page:
    """Return the page of *selection* that *query* requests."""
    if query.as_of is not None:
        rows = await dependencies.as_of_views.all(selection.workspace, query.as_of)
        return page_in_memory(rows, selection, query)
    if query.cursor is not None:
        size = query.size or PAGE_SIZE
        return await dependencies.views.page_after(
            selection, query.order, cursor_key(query.cursor), size
        )
    if query.size is not None:
        return await dependencies.views.page_number(
            selection, query.order, query.page or 1, query.size
        )
    if query == ListQuery():
        every = await dependencies.views.all(selection.workspace)
        return Page(every, len(every), None)
    return await dependencies.views.all_matching(selection, query.order)


def require_known_type(query: ListQuery, providers: Providers) -> None:
    """Raise InvalidFieldsError if the requested type is none of *providers*."""
    if query.type is not None:
        try:
            choice(providers)(query.type)
        except FieldError as error:
            raise InvalidFieldsError([("type", error.problem)]) from None


def list_filter(workspace: str, query: ListQuery, providers: Providers) -> ListFilter:
    """Return the filter of *query*; a channel is the same as all its types."""
    types = tuple(
        provider.type
        for provider in providers.values()
        if query.type in (None, provider.type) and query.channel in (None, provider.channel)
    )
    return ListFilter(
        workspace=workspace,
        types=types if query.type or query.channel else None,
        is_active=query.is_active,
        searches=search_terms(query.q) if query.q else (),
    )


def page_in_memory(rows: list[IntegrationRow], selection: ListFilter, query: ListQuery) -> Page:
    """Return the page of *rows*, which are in no view, that *query* requests."""
    matching = [row for row in rows if row_matches(row, selection)]
    order = query.order
    matching.sort(key=lambda row: sort_key(row, order), reverse=order.descending)
    if query.size is None:
        return Page(matching, len(matching), None)
    start = ((query.page or 1) - 1) * query.size
    return Page(matching[start : start + query.size], len(matching), None)
