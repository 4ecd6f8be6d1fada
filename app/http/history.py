"""The history of a workspace and of one integration (docs/history.md)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, get_args

from litestar import Controller, Response, get
from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.json import encode

from app.http.authorization import authorize
from app.http.command_requests import require_integration_id
from app.http.dependencies import get_dependencies
from app.http.expensive_requests import run_limited
from app.http.field_rules import Rule, choice
from app.http.preconditions import body_etag
from app.http.query_parameters import QuerySchema, integer, operation_class
from app.http.responses import RenderedResponse, conditional_response, response_headers
from app.http.text_rules import text
from app.http.timestamps import END, START, Time, format_timestamp
from app.http.types import RESOURCE, Actor, ApiRequest, ResourceId
from app.tokens.principal import AUDIT
from app.views.history import HistoryFilter, HistoryPage
from domain.aggregates import AggregateName, aggregate_of
from domain.errors import IntegrationNotFoundError
from projections.history import Action, HistoryEntry, resource_actions


class HistoryEntryObject(Struct, rename="camel"):
    """One change; `id` is `<resourceId>:<version>`, the same after every rebuild.

    The id of a channel's default is `def_` and the channel, which is its name.
    """

    id: Annotated[str, Meta(pattern=f"^{RESOURCE}:[1-9][0-9]*$")]
    resource_type: AggregateName
    resource_id: ResourceId
    resource_name: str
    action: Action
    details: dict[str, Any]
    performed_by: Actor
    ip_address: str | None
    workspace_id: str
    position: int
    created_at: Time


class HistoryResult(Struct, rename="camel"):
    """Entries, newest first; `totalCount` counts all that match."""

    data: list[HistoryEntryObject]
    message: str
    status: int
    total_count: int


class HistoryResponse(Struct):
    """The response with a page of the history."""

    result: HistoryResult


def history_entry_object(entry: HistoryEntry) -> HistoryEntryObject:
    """Return *entry* as the HTTP API shows it."""
    return HistoryEntryObject(
        id=f"{entry.stream}:{entry.version}",
        resource_type=aggregate_of(entry.stream).name,
        resource_id=entry.stream,
        resource_name=entry.resource_name,
        action=entry.action,
        details=entry.details,
        performed_by=Actor(entry.actor_id, entry.actor_name, entry.actor_email),
        ip_address=entry.ip_address,
        workspace_id=entry.workspace_id,
        position=entry.position,
        created_at=format_timestamp(entry.created_at),
    )


def render_history(request: ApiRequest, page: HistoryPage) -> RenderedResponse:
    """Return the response with *page*; its entity tag is a digest of the body."""
    result = HistoryResult(
        data=[history_entry_object(entry) for entry in page.entries],
        message=request.auth.text("History fetched successfully"),
        status=200,
        total_count=page.total,
    )
    body = encode(HistoryResponse(result))
    return RenderedResponse(200, body, response_headers(request, body_etag(body)))


class HistoryQuery(Struct, rename="camel", frozen=True, kw_only=True):
    """The filters and the page of a request for history entries."""

    resource_type: AggregateName | None = None
    resource_id: str | None = None
    action: Action | None = None
    user_id: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    page: int = 1
    limit: int = 20


RULES: Mapping[str, Rule] = {
    "action": choice(get_args(Action)),
    "userId": text(255),
    "startDate": START,
    "endDate": END,
    "page": integer(1, 1_000_000_000),
    "limit": integer(1, 200),
}
RESOURCE_QUERY = QuerySchema(shape=HistoryQuery, rules=RULES)
HISTORY_QUERY = QuerySchema(
    shape=HistoryQuery,
    rules={"resourceType": choice(get_args(AggregateName)), "resourceId": text(255), **RULES},
)


class HistoryController(Controller):
    """Who did what, when; a deleted integration keeps its history."""

    path = "/{locale:str}/api"
    before_request = authorize
    opt = MappingProxyType({"permission": AUDIT, "parameters": True})
    tags = ("History",)
    security = ({"bearer": []},)

    @get("/history-log", operation_class=operation_class(HISTORY_QUERY), operation_id="listHistory")
    async def list_history(self, request: ApiRequest) -> Response[HistoryResponse]:
        """List the changes in the workspace, newest first."""
        query = HISTORY_QUERY.read(request)
        page = await load_page(request, query, query.resource_id)
        return conditional_response(request, render_history(request, page))

    @get(
        "/integration/{integration_id:str}/history",
        operation_class=operation_class(RESOURCE_QUERY),
        operation_id="getHistory",
    )
    async def get_history(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[HistoryResponse]:
        """List the changes of one integration, newest first, even if it is deleted."""
        query, integration = RESOURCE_QUERY.read(request), require_integration_id(integration_id)
        page = await load_page(request, query, integration)
        if not page.total:
            await require_resource(request, integration)
        return conditional_response(request, render_history(request, page))


async def load_page(
    request: ApiRequest, query: HistoryQuery, integration: str | None
) -> HistoryPage:
    """Return the page that *query* requests, of one integration or of all."""
    filters = HistoryFilter(
        resource=integration,
        action=query.action,
        actions=wanted_actions(query),
        user=query.user_id,
        start=query.start_date,
        end=query.end_date,
    )
    history, offset = get_dependencies(request.app).history, (query.page - 1) * query.limit
    page = history.page(request.user.workspace, filters, offset, query.limit)
    is_counted = filters != HistoryFilter(resource=integration)  # and not numbered already
    return await (run_limited(request, page) if is_counted else page)


def wanted_actions(query: HistoryQuery) -> list[Action] | None:
    """Return the actions of the type of resource that *query* asks for; None for any.

    One resource has one type, so that of its own id narrows nothing.
    """
    wanted, resource = query.resource_type, query.resource_id
    if wanted is None or (resource and aggregate_of(resource).name == wanted):
        return None
    return resource_actions(wanted)


async def require_resource(request: ApiRequest, integration: str) -> None:
    """Raise IntegrationNotFoundError if *integration* was never in the caller's workspace."""
    if not await get_dependencies(request.app).history.exists(request.user.workspace, integration):
        raise IntegrationNotFoundError
