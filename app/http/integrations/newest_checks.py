"""The newest checks of many integrations at once, as a page with a list of them needs."""

from collections.abc import Mapping

from litestar import Controller, Response, get
from msgspec import Struct
from msgspec.json import encode

from app.http.authorization import authorize
from app.http.dependencies import get_dependencies
from app.http.integrations.credentials import newest_check_object
from app.http.query_parameters import QuerySchema, operation_class, several
from app.http.responses import RenderedResponse, to_response
from app.http.text_rules import text
from app.http.timestamps import Time
from app.http.types import ApiRequest, Id
from app.tokens.principal import VIEW
from domain.integration import Outcome
from projections.credentials import NewestCheck

MAX_INTEGRATIONS = 200  # as many as a page of the list has


class IntegrationCheckObject(Struct, rename="camel"):
    """What the newest check of an integration found."""

    integration_id: Id
    outcome: Outcome
    detail: str
    region: str | None
    checked_at: Time


class IntegrationCheckResult(Struct, rename="camel"):
    """The newest check of each integration that has been checked."""

    data: list[IntegrationCheckObject]
    message: str
    status: int
    total_count: int


class IntegrationCheckResponse(Struct):
    """The response with newest checks."""

    result: IntegrationCheckResult


class NewestChecksQuery(Struct, rename="camel"):
    """The integrations to tell of."""

    integration_ids: tuple[str, ...]


QUERY = QuerySchema(
    shape=NewestChecksQuery, rules={"integrationIds": several(text(255), MAX_INTEGRATIONS)}
)


class NewestChecksController(Controller):
    """What is known of credentials without asking a provider."""

    path = "/{locale:str}/api/integration-checks"
    before_request = authorize
    tags = ("Integration",)
    security = ({"bearer": []},)

    @get(
        "/",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_class(QUERY),
        operation_id="listNewestChecks",
    )
    async def list_newest_checks(self, request: ApiRequest) -> Response[IntegrationCheckResponse]:
        """List the newest check of each of up to 200 integrations that has been checked."""
        query = QUERY.read(request)
        credentials = get_dependencies(request.app).credentials
        found = await credentials.checks(request.user.workspace, query.integration_ids)
        return to_response(render_newest_checks(request, query.integration_ids, found))


def render_newest_checks(
    request: ApiRequest, integrations: tuple[str, ...], found: Mapping[str, NewestCheck]
) -> RenderedResponse:
    """Return the response with the checks that were *found*, in the order of *integrations*."""
    data = [
        integration_check_object(integration, found[integration], request)
        for integration in integrations
        if integration in found
    ]
    message = request.auth.text("Checks fetched successfully")
    result = IntegrationCheckResult(data, message, 200, len(data))
    headers = {"Content-Language": request.auth.tag}
    return RenderedResponse(200, encode(IntegrationCheckResponse(result)), headers)


def integration_check_object(
    integration: str, check: NewestCheck, request: ApiRequest
) -> IntegrationCheckObject:
    """Return *check* of *integration* as the HTTP API shows it."""
    shown = newest_check_object(check, request.auth)
    return IntegrationCheckObject(
        integration, shown.outcome, shown.detail, shown.region, shown.checked_at
    )
