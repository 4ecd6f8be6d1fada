"""Who could have had which credentials when (docs/workers.md#who-had-access)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import get_args

from litestar import Controller, Response, get
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.access.access import Outcome
from app.access.views import AccessFilter, RecordedAccess
from app.http.authorization import authorize
from app.http.command_requests import require_integration_id
from app.http.dependencies import get_dependencies
from app.http.expensive_requests import run_limited
from app.http.field_rules import Rule, choice
from app.http.query_parameters import MAX_POSITION, QuerySchema, integer, operation_class
from app.http.responses import RenderedResponse, to_response
from app.http.text_rules import text
from app.http.timestamps import END, START, Time, format_timestamp
from app.http.types import ApiRequest, ResourceId
from app.tokens.principal import AUDIT
from domain.integration import SecretField


class AccessActor(Struct):
    """The worker: the token's `sub`, and its `name` if it had one."""

    id: str
    name: str | None


class CredentialVersion(Struct):
    """A secret that was given out."""

    field: SecretField
    version: int


class AccessObject(Struct, rename="camel"):
    """One record: what a worker asked for in that minute, and what came of it.

    Of NO_DEFAULT, `integrationId` is `def_` and the channel.
    """

    id: str
    integration_id: ResourceId
    actor: AccessActor
    recipient: str | None
    credentials: list[CredentialVersion]
    version: int
    purpose: str | None
    outcome: Outcome
    ip_address: str | None
    request_id: str | None
    position: int
    created_at: Time


class AccessResult(Struct, rename="camel"):
    """Records, newest first; `nextCursor` while there are older ones."""

    data: list[AccessObject]
    message: str
    status: int
    next_cursor: str | UnsetType = UNSET


class AccessResponse(Struct):
    """The response with a page of the access journal."""

    result: AccessResult


class AccessQuery(Struct, rename="camel", frozen=True, kw_only=True):
    """The filters and the page of a request for access records."""

    integration_id: str | None = None
    actor_id: str | None = None
    field: str | None = None
    credential_version: int | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    cursor: int | None = None
    limit: int = 20


RULES: Mapping[str, Rule] = {
    "actorId": text(255),
    "field": choice(get_args(SecretField)),
    "credentialVersion": integer(1, 2**31 - 1),
    "startDate": START,
    "endDate": END,
    "cursor": integer(1, MAX_POSITION),
    "limit": integer(1, 200),
}
WORKSPACE_QUERY = QuerySchema(shape=AccessQuery, rules={"integrationId": text(255), **RULES})
INTEGRATION_QUERY = QuerySchema(shape=AccessQuery, rules=RULES)


class AccessController(Controller):
    """The access journal; a deleted integration keeps its records."""

    path = "/{locale:str}/api"
    before_request = authorize
    opt = MappingProxyType({"permission": AUDIT, "parameters": True})
    tags = ("Leases",)
    security = ({"bearer": []},)

    @get(
        "/integration-accesses",
        operation_class=operation_class(WORKSPACE_QUERY),
        operation_id="listAccesses",
    )
    async def list_accesses(self, request: ApiRequest) -> Response[AccessResponse]:
        """List who asked for which credentials in the workspace, newest first."""
        query = WORKSPACE_QUERY.read(request)
        return to_response(await load_page(request, query, query.integration_id))

    @get(
        "/integration/{integration_id:str}/accesses",
        operation_class=operation_class(INTEGRATION_QUERY),
        operation_id="getAccesses",
    )
    async def get_accesses(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[AccessResponse]:
        """List who asked for the credentials of one integration, newest first."""
        query = INTEGRATION_QUERY.read(request)
        return to_response(await load_page(request, query, require_integration_id(integration_id)))


async def load_page(
    request: ApiRequest, query: AccessQuery, integration: str | None
) -> RenderedResponse:
    """Return the response with the page that *query* asks for."""
    selection = AccessFilter(
        integration=integration,
        actor=query.actor_id,
        field=query.field,
        version=query.credential_version,
        start=query.start_date,
        end=query.end_date,
        before=query.cursor,
    )
    read = get_dependencies(request.app).accesses.page(
        request.user.workspace, selection, query.limit + 1
    )
    is_indexed = query.field is None and query.credential_version is None
    records = await (read if is_indexed else run_limited(request, read))
    shown, is_more = records[: query.limit], len(records) > query.limit
    result = AccessResult(
        data=[access_object(record) for record in shown],
        message=request.auth.text("Accesses fetched successfully"),
        status=200,
        next_cursor=str(shown[-1].position) if is_more else UNSET,
    )
    headers = {"Content-Language": request.auth.tag}
    return RenderedResponse(200, encode(AccessResponse(result)), headers)


def access_object(record: RecordedAccess) -> AccessObject:
    """Return *record* as the HTTP API shows it."""
    access = record.access
    return AccessObject(
        id=f"access:{record.position}",
        integration_id=access.integration,
        actor=AccessActor(access.actor.sub, access.actor.name),
        recipient=access.recipient,
        credentials=[CredentialVersion(field, n) for field, n in access.versions.items()],
        version=access.version,
        purpose=access.purpose,
        outcome=access.outcome,
        ip_address=access.client_address,
        request_id=access.request_id,
        position=record.position,
        created_at=format_timestamp(access.at),
    )
