"""The change feed: what has changed in a workspace, from any position (docs/feed.md)."""

from types import MappingProxyType
from typing import Any, cast

from litestar import Controller, Response, get
from litestar.response import Stream
from msgspec import Raw, Struct
from msgspec.json import encode

from app.feed.change import Change
from app.feed.change_feed import ChangeFeed, Page
from app.http.authorization import authorize
from app.http.dependencies import get_dependencies
from app.http.errors import InvalidFieldsError
from app.http.event_stream import EVENT_STREAM, HEADERS, stream_changes, waiting_client
from app.http.expensive_requests import while_connected, with_first
from app.http.field_rules import FieldError, FieldProblem
from app.http.middleware import is_head_request
from app.http.query_parameters import MAX_POSITION, QuerySchema, integer, operation_class
from app.http.responses import RenderedResponse, to_response
from app.http.types import ApiRequest
from app.tokens.principal import RESOLVE, VIEW

JSON = "application/json"
LAST_EVENT_ID = "Last-Event-ID"
BEYOND_HEAD = FieldProblem("BEYOND_HEAD", "The log ends before this position")


class ChangesResult(Struct):
    """Changes, the oldest first; ask again after the position `after`, at once if there is more."""

    data: list[Change]
    message: str
    status: int
    after: int
    more: bool


class ChangesResponse(Struct):
    """The response with changes."""

    result: ChangesResult


class ChangesQuery(Struct, frozen=True, kw_only=True):
    """From which position on, how many, and how many seconds to wait if there are none."""

    after: int | None = None
    limit: int = 100
    wait: int = 0


CHANGES_QUERY = QuerySchema(
    shape=ChangesQuery,
    rules={
        "after": integer(0, MAX_POSITION),
        "limit": integer(1, 500),
        "wait": integer(0, 30),
    },
)


class ChangeController(Controller):
    """What has changed, and nothing of what it was: for caches and workers."""

    path = "/{locale:str}/api"
    before_request = authorize
    opt = MappingProxyType({"permission": VIEW, "or_permission": RESOLVE, "parameters": True})
    tags = ("Changes",)
    security = ({"bearer": []},)

    @get(
        "/integration-changes",
        operation_class=operation_class(CHANGES_QUERY),
        operation_id="listChanges",
    )
    async def list_changes(self, request: ApiRequest) -> Response[ChangesResponse]:
        """List the changes after a position of the log, or wait for the next one."""
        query, feed = CHANGES_QUERY.read(request), get_dependencies(request.app).feed
        if request.accept.best_match([JSON, EVENT_STREAM]) == EVENT_STREAM:
            return await open_stream(request, query)
        after = await start_position(feed, "after", query.after)
        if query.after is None or not query.wait:
            page = await feed.next_page(request.user.workspace, after, query.limit, 0)
        else:
            page = await while_connected(request, wait_for_page(request, after, query))
        return to_response(render_changes(request, page))


async def open_stream(request: ApiRequest, query: ChangesQuery) -> Response[Any]:
    """Return the stream of changes; `Last-Event-ID` counts before `after`.

    Raises:
        InvalidFieldsError, UnavailableError: as `start_position`.
        RateLimitExceededError: the workspace has too many streams.
    """
    given, feed = request.headers.get(LAST_EVENT_ID), get_dependencies(request.app).feed
    if given is None:
        after = await start_position(feed, "after", query.after)
    else:
        after = await start_position(feed, LAST_EVENT_ID, last_event_id(given))
    headers = {"Content-Language": request.auth.tag, **HEADERS}
    if is_head_request(request.scope):  # the server would read all of it, and send nothing
        return Stream(iter(()), media_type=EVENT_STREAM, headers=headers)
    parts = stream_changes(request, after)
    # Read before the response starts: too many streams are still a 429.
    first = await anext(parts)
    return Stream(with_first(first, parts), media_type=EVENT_STREAM, headers=headers)


def last_event_id(text: str) -> int:
    """Return the position that *text* says; raise InvalidFieldsError if it is none."""
    try:
        return cast("int", CHANGES_QUERY.rules["after"](text))
    except FieldError as error:
        raise InvalidFieldsError([(LAST_EVENT_ID, error.problem)]) from None


async def start_position(feed: ChangeFeed, name: str, after: int | None) -> int:
    """Return the position to start after: *after*, or where the log ends now if it is None.

    Raises:
        InvalidFieldsError: the log does not reach *after*.
        UnavailableError: the database is away.
    """
    head = await feed.refresh()
    if after is not None and after > head:
        raise InvalidFieldsError([(name, BEYOND_HEAD)])
    return head if after is None else after


async def wait_for_page(request: ApiRequest, after: int, query: ChangesQuery) -> Page:
    """Return the next changes after the position *after*, as one of the workspace's clients."""
    async with waiting_client(request) as feed:
        return await feed.next_page(request.user.workspace, after, query.limit, query.wait)


def render_changes(request: ApiRequest, page: Page) -> RenderedResponse:
    """Return the response with *page*, whose changes are encoded already."""
    result = ChangesResult(
        data=cast("list[Change]", [Raw(change) for _, change in page.changes]),
        message=request.auth.text("Changes fetched successfully"),
        status=200,
        after=page.after,
        more=page.more,
    )
    headers = {"Content-Language": request.auth.tag}
    return RenderedResponse(200, encode(ChangesResponse(result)), headers)
