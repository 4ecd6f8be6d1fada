"""Which integrations a list request asks for: filters, order, page (contract, 5)."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from app.http.dependencies import Dependencies, get_dependencies
from app.http.errors import FieldFinding, InvalidFieldsError
from app.http.field_rules import FieldError, FieldProblem, Rule, choice, text
from app.http.integrations.cursors import (
    INVALID_CURSOR,
    Cursor,
    cursor_key,
    cursor_order,
    cursor_rule,
)
from app.http.query_parameters import QuerySchema, integer
from app.http.timestamps import POINT_IN_TIME
from app.http.types import ApiRequest
from app.views.as_of import PointInTime
from app.views.listing import Order, Selection, key_of, matches
from app.views.lists import Page
from domain.integration import Channel
from domain.provider import Providers
from projections.integration_view import IntegrationRow

ORDERS: Mapping[str, Order] = {
    "createdAt": Order(),
    "-createdAt": Order("created_at", descending=True),
    "name": Order("name_key"),
    "-name": Order("name_key", descending=True),
    "updatedAt": Order("updated_at"),
    "-updatedAt": Order("updated_at", descending=True),
}
PAGE_SIZE = 20
NOT_A_BOOLEAN = FieldProblem("WRONG_TYPE", "This must be true or false")
PAGE_AND_CURSOR = FieldProblem("CONFLICTING_PARAMETERS", "Give page or cursor, not both")
LIMIT_AND_PAGE_SIZE = FieldProblem(
    "CONFLICTING_PARAMETERS", "limit and pageSize are the same; give one"
)
CURSOR_WITH_AS_OF = FieldProblem("CONFLICTING_PARAMETERS", "A list of the past has no cursor")


class ListQuery(Struct, rename="camel", frozen=True, kw_only=True):
    """What is asked for; None where it was not said."""

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
        """How many integrations a page has; None where all are asked for."""
        paged = self.page is not None or self.cursor is not None
        return self.limit or self.page_size or (PAGE_SIZE if paged else None)

    @property
    def order(self) -> Order:
        """What the list is sorted by: as the cursor was, or as is said, or oldest first."""
        if self.cursor is not None:
            return cursor_order(self.cursor)
        return ORDERS[self.sort or "createdAt"]


def parse_bool(value: object) -> bool:
    """Return whether *value* is the word true; raise FieldError where it is neither word."""
    if value not in ("true", "false"):
        raise FieldError(NOT_A_BOOLEAN)
    return value == "true"


def find_conflicts(asked: ListQuery) -> Iterator[FieldFinding]:
    """Find parameters that do not go together."""
    if asked.page is not None and asked.cursor is not None:
        yield "cursor", PAGE_AND_CURSOR
    if asked.limit is not None and asked.page_size is not None:
        yield "pageSize", LIMIT_AND_PAGE_SIZE
    if asked.as_of is not None and asked.cursor is not None:
        yield "cursor", CURSOR_WITH_AS_OF
    if asked.sort is not None and asked.cursor is not None and asked.order != ORDERS[asked.sort]:
        yield "cursor", INVALID_CURSOR


LIST_QUERY = QuerySchema(
    shape=ListQuery,
    rules={
        "asOf": POINT_IN_TIME,
        "channel": choice(("EMAIL", "SMS", "PUSH")),
        "type": text(64),
        "isActive": Rule(parse_bool, {"type": "boolean"}),
        "q": text(120, trimmed=True),
        "sort": choice(ORDERS),
        "limit": integer(1, 200),
        "pageSize": integer(1, 200),
        "page": integer(1, 1_000_000_000),
        "cursor": cursor_rule,
    },
    checks=(find_conflicts,),
)


async def load_page(request: ApiRequest) -> tuple[Page, Order]:
    """Return the page that *request* asks for, and what it is sorted by.

    Raises:
        InvalidFieldsError: one or more parameters are wrong, or do not go together.
    """
    dependencies, asked = get_dependencies(request.app), LIST_QUERY.read(request)
    require_known_type(asked, dependencies.providers)
    selection = list_filter(request.user.workspace, asked, dependencies.providers)
    return await fetch_page(dependencies, selection, asked), asked.order


async def fetch_page(dependencies: Dependencies, selection: Selection, asked: ListQuery) -> Page:
    """Return the page of *selection* that is *asked* for."""
    if asked.as_of is not None:
        rows = await dependencies.as_of_views.all(selection.workspace, asked.as_of)
        return page_in_memory(rows, selection, asked)
    if asked.cursor is not None:
        size = asked.size or PAGE_SIZE
        return await dependencies.lists.after(
            selection, asked.order, cursor_key(asked.cursor), size
        )
    if asked.size is not None:
        return await dependencies.lists.numbered(
            selection, asked.order, asked.page or 1, asked.size
        )
    if asked == ListQuery():
        every = await dependencies.views.all(selection.workspace)
        return Page(every, len(every), None)
    return await dependencies.lists.everything(selection, asked.order)


def require_known_type(asked: ListQuery, providers: Providers) -> None:
    """Raise InvalidFieldsError where the type asked for is none of *providers*."""
    if asked.type is not None:
        try:
            choice(providers)(asked.type)
        except FieldError as error:
            raise InvalidFieldsError([("type", error.problem)]) from None


def list_filter(workspace: str, asked: ListQuery, providers: Providers) -> Selection:
    """Return which integrations of *workspace* match; a channel stands for all its types."""
    types = tuple(
        provider.type
        for provider in providers.values()
        if asked.type in (None, provider.type) and asked.channel in (None, provider.channel)
    )
    return Selection(
        workspace=workspace,
        types=types if asked.type or asked.channel else None,
        is_active=asked.is_active,
        search=asked.q and asked.q.casefold(),
    )


def page_in_memory(rows: list[IntegrationRow], selection: Selection, asked: ListQuery) -> Page:
    """Return the page of *rows*, which no view keeps, that is asked for."""
    found = [row for row in rows if matches(row, selection)]
    order = asked.order
    found.sort(key=lambda row: key_of(row, order), reverse=order.descending)
    if asked.size is None:
        return Page(found, len(found), None)
    start = ((asked.page or 1) - 1) * asked.size
    return Page(found[start : start + asked.size], len(found), None)
