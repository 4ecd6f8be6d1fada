"""The resource integration (docs/api.md#operations)."""

from typing import Any

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath
from msgspec.structs import asdict

from app.command_handler import PreparedCommand
from app.http.authorization import authorize
from app.http.body_dto import BodyDTO
from app.http.command_requests import build_command_request, require_found, require_integration_id
from app.http.dependencies import get_dependencies
from app.http.errors import FieldFinding
from app.http.expensive_requests import run_limited
from app.http.integrations.bodies import (
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    ToggleBody,
    UpdateIntegrationBody,
)
from app.http.integrations.commands import (
    ChangeWithWarnings,
    collect_warnings,
    create_command,
    find_default_warning,
    replace_credentials_command,
    require_fields_of_type,
)
from app.http.integrations.credentials import CredentialsResponse, render_credentials
from app.http.integrations.list_query import LIST_QUERY, load_page
from app.http.integrations.recorded_headers import execute_command
from app.http.integrations.responses import (
    IntegrationListResponse,
    IntegrationResponse,
    render_created,
    render_list,
    render_one,
)
from app.http.integrations.stored_secrets import StoredSecretsCheck
from app.http.preferences import add_preference_applied, reject_warnings_if_strict
from app.http.query_parameters import AS_OF_QUERY, operation_class
from app.http.responses import EmptyResponse, conditional_response, render_empty, to_response
from app.http.types import ApiRequest
from app.identifiers import new_integration_id
from app.tokens.principal import CREATE, DELETE, EDIT, VIEW
from domain.integration import (
    ChangeIntegration,
    DeleteIntegration,
    Integration,
    ToggleIntegration,
)

UPDATED = "Integration updated successfully"


class IntegrationController(Controller):
    """Third-party connections of the token's workspace."""

    path = "/{locale:str}/api/integration"
    before_request = authorize
    tags = ("Integration",)
    security = ({"bearer": []},)

    @get(
        "/",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_class(LIST_QUERY),
        operation_id="listIntegrations",
    )
    async def list_integrations(self, request: ApiRequest) -> Response[IntegrationListResponse]:
        """List integrations: all of them, oldest first, unless parameters say otherwise."""
        page, order = await load_page(request)
        return conditional_response(request, render_list(request, page, order))

    @post(
        "/",
        opt={"permission": CREATE},
        dto=BodyDTO[CreateIntegrationBody],
        return_dto=None,
        operation_id="createIntegration",
    )
    async def create_integration(
        self, request: ApiRequest, locale: FromPath[str], data: CreateIntegrationBody
    ) -> Response[IntegrationResponse]:
        """Add an integration; its secrets are sealed and never shown again."""
        dependencies, integration = get_dependencies(request.app), new_integration_id()
        location = f"/{locale}/api/integration/{integration}"
        provider = dependencies.providers[data.type]
        warnings = collect_warnings(dependencies, data, data.settings, provider)
        reject_warnings_if_strict(request, warnings)
        prepared = await create_command(data, dependencies, request.user.workspace, integration)
        return await execute_command(
            request,
            build_command_request(request, integration, prepared),
            lambda row: add_preference_applied(
                request, render_created(request, require_found(row), location, warnings)
            ),
            data,
        )

    @get(
        "/{integration_id:str}",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_class(AS_OF_QUERY),
        operation_id="getIntegration",
    )
    async def get_integration(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[IntegrationResponse]:
        """Show one integration, without its secrets."""
        dependencies, workspace = get_dependencies(request.app), request.user.workspace
        point_in_time = AS_OF_QUERY.read(request).as_of
        integration = require_integration_id(integration_id)
        if point_in_time is None:
            row = await dependencies.views.one(workspace, integration)
        else:
            past = dependencies.as_of_views.one(workspace, integration, point_in_time)
            row = await run_limited(request, past)
        rendered = render_one(request, require_found(row), "Integration fetched successfully")
        return conditional_response(request, rendered)

    @patch(
        "/{integration_id:str}",
        opt={"permission": EDIT},
        dto=BodyDTO[UpdateIntegrationBody],
        return_dto=None,
        operation_id="changeIntegration",
    )
    async def update_integration(
        self, request: ApiRequest, integration_id: FromPath[str], data: UpdateIntegrationBody
    ) -> Response[IntegrationResponse]:
        """Change the given fields; an absent one stays, null clears."""
        dependencies = get_dependencies(request.app)
        stored = StoredSecretsCheck(dependencies, request.user.workspace, integration_id)

        async def prepare(state: Integration) -> PreparedCommand:
            require_fields_of_type(data, state, dependencies.providers.get(state.type))
            await stored.check(state, data)
            return PreparedCommand(ChangeIntegration(**asdict(data)))

        change = ChangeWithWarnings(request, integration_id, data, prepare)
        return await execute_change(request, change, UPDATED)

    @post(
        "/{integration_id:str}/toggle",
        opt={"permission": EDIT},
        status_code=200,
        dto=BodyDTO[ToggleBody],
        return_dto=None,
        operation_id="toggleIntegration",
    )
    async def toggle_integration(
        self, request: ApiRequest, integration_id: FromPath[str], data: ToggleBody
    ) -> Response[IntegrationResponse]:
        """Switch an integration on or off; it is set, never flipped."""
        warnings: list[FieldFinding] = []

        async def prepare(state: Integration) -> PreparedCommand:
            warnings[:] = await find_default_warning(request, integration_id, data, state)
            reject_warnings_if_strict(request, warnings)
            return PreparedCommand(ToggleIntegration(is_active=data.is_active))

        return await execute_command(
            request,
            build_command_request(request, integration_id, prepare),
            lambda row: add_preference_applied(
                request, render_one(request, require_found(row), UPDATED, warnings)
            ),
        )

    @get(
        "/{integration_id:str}/credentials",
        opt={"permission": VIEW},
        operation_id="getCredentials",
    )
    async def get_credentials(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[CredentialsResponse]:
        """Show which secrets are stored, since when and by whom, and the newest check."""
        dependencies, integration = get_dependencies(request.app), integration_id
        status = require_found(
            await dependencies.credentials.one(
                request.user.workspace, require_integration_id(integration)
            )
        )
        provider = dependencies.providers.get(status.type)
        return to_response(render_credentials(request, status, provider))

    @put(
        "/{integration_id:str}/credentials",
        opt={"permission": EDIT},
        dto=BodyDTO[ReplaceCredentialsBody],
        return_dto=None,
        operation_id="replaceCredentials",
    )
    async def replace_credentials(
        self, request: ApiRequest, integration_id: FromPath[str], data: ReplaceCredentialsBody
    ) -> Response[IntegrationResponse]:
        """Replace the given secrets, null destroys; the old ones are destroyed."""
        dependencies, workspace = get_dependencies(request.app), request.user.workspace
        stored = StoredSecretsCheck(dependencies, workspace, integration_id)
        replace = replace_credentials_command(data, dependencies, workspace, integration_id)

        async def prepare(state: Integration) -> PreparedCommand:
            await stored.check(state, data)
            return await replace(state)

        message = "Credentials replaced successfully"
        change = ChangeWithWarnings(request, integration_id, data, prepare)
        return await execute_change(request, change, message)

    @delete(
        "/{integration_id:str}",
        opt={"permission": DELETE},
        status_code=200,
        operation_id="deleteIntegration",
    )
    async def delete_integration(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[EmptyResponse]:
        """Remove an integration and destroy its secrets."""
        return await execute_command(
            request,
            build_command_request(request, integration_id, DeleteIntegration()),
            lambda _: render_empty(request, "Integration deleted successfully"),
        )


async def execute_change(
    request: ApiRequest, change: ChangeWithWarnings, message: str
) -> Response[Any]:
    """Execute *change* and respond with the changed integration, and warnings."""
    return await execute_command(
        request,
        build_command_request(request, change.integration, change.prepare),
        lambda row: add_preference_applied(
            request, render_one(request, require_found(row), message, change.warnings)
        ),
        change.body,
    )
