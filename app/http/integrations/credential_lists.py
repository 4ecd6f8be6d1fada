"""What is known of the credentials of many integrations at once, as a page of them needs."""

from collections.abc import Mapping, Sequence

from litestar import Controller, Response, get
from msgspec import Struct
from msgspec.json import encode

from app.http.authorization import authorize
from app.http.dependencies import get_dependencies
from app.http.integrations.credentials import newest_check_object
from app.http.query_parameters import QuerySchema, list_of, operation_class
from app.http.responses import RenderedResponse, to_response
from app.http.text_rules import text
from app.http.timestamps import Time
from app.http.types import ApiRequest, Id
from app.tokens.principal import VIEW
from domain.integration import Outcome, SecretField
from projections.credentials import NewestCheck

MAX_INTEGRATIONS = 200  # as many as a page of the list has


class IntegrationCheckObject(Struct, rename="camel"):
    """What the newest check of an integration found.

    `isCurrent` is false if what it is about has changed since: secrets, public key or settings.
    """

    integration_id: Id
    outcome: Outcome
    detail: str
    region: str | None
    checked_at: Time
    is_current: bool


class IntegrationCheckResult(Struct, rename="camel"):
    """The newest check of each integration that has been checked."""

    data: list[IntegrationCheckObject]
    message: str
    status: int
    total_count: int


class IntegrationCheckResponse(Struct):
    """The response with newest checks."""

    result: IntegrationCheckResult


class StoredCredentialsObject(Struct, rename="camel"):
    """The secret fields of an integration that are stored."""

    integration_id: Id
    fields: Sequence[SecretField]


class StoredCredentialsResult(Struct, rename="camel"):
    """What is stored for each integration that has any secret."""

    data: list[StoredCredentialsObject]
    message: str
    status: int
    total_count: int


class StoredCredentialsResponse(Struct):
    """The response with what is stored."""

    result: StoredCredentialsResult


class IntegrationsQuery(Struct, rename="camel"):
    """The integrations that are asked for."""

    integration_ids: tuple[str, ...]


QUERY = QuerySchema(
    shape=IntegrationsQuery,
    rules={"integrationIds": list_of(text(255, separator=","), MAX_INTEGRATIONS)},
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


class StoredCredentialsController(Controller):
    """Which secrets are stored, never what they are."""

    path = "/{locale:str}/api/integration-credentials"
    before_request = authorize
    tags = ("Integration",)
    security = ({"bearer": []},)

    @get(
        "/",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_class(QUERY),
        operation_id="listStoredCredentials",
    )
    async def list_stored(self, request: ApiRequest) -> Response[StoredCredentialsResponse]:
        """List which secrets are stored for each of up to 200 integrations that has any."""
        wanted = QUERY.read(request).integration_ids
        credentials = get_dependencies(request.app).credentials
        found = await credentials.stored(request.user.workspace, wanted)
        return to_response(render_stored(request, wanted, found))


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
        integration, shown.outcome, shown.detail, shown.region, shown.checked_at, check.is_current
    )


def render_stored(
    request: ApiRequest,
    integrations: tuple[str, ...],
    found: Mapping[str, Sequence[SecretField]],
) -> RenderedResponse:
    """Return the response with the fields that were *found*, in the order of *integrations*."""
    data = [StoredCredentialsObject(each, found[each]) for each in integrations if each in found]
    message = request.auth.text("Credentials fetched successfully")
    result = StoredCredentialsResult(data, message, 200, len(data))
    headers = {"Content-Language": request.auth.tag}
    return RenderedResponse(200, encode(StoredCredentialsResponse(result)), headers)
