"""The resource integration (integration-api.md; contract, 4 to 7)."""

from typing import Any

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath
from msgspec.structs import asdict

from app.execute import Prepare
from app.http.answers import ApiRequest, IntegrationAnswer, IntegrationListAnswer, NothingAnswer
from app.http.asking import asked, require_no_parameters, required, required_id
from app.http.bodies import (
    ChangeIntegrationBody,
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    ToggleBody,
)
from app.http.credentials import creation, replacement
from app.http.identity import require_permission
from app.http.once import execute_once
from app.http.parts import parts_of
from app.http.reading import FormDTO
from app.http.rendering import (
    render_created,
    render_list,
    render_nothing,
    render_one,
    response_or_unchanged,
)
from app.http.warnings import warnings_about
from app.identifiers import new_integration_id
from app.tokens.principal import CREATE, DELETE, EDIT, VIEW
from domain.integration import (
    ChangeIntegration,
    DeleteIntegration,
    IntegrationCommand,
    ToggleIntegration,
)


class IntegrationController(Controller):
    """Third-party connections of the token's workspace."""

    path = "/{locale:str}/api/integration"
    guards = (require_permission,)
    tags = ("Integration",)

    @get("/", opt={"permission": VIEW}, operation_id="listIntegrations")
    async def list_integrations(self, request: ApiRequest) -> Response[IntegrationListAnswer]:
        """List all integrations of the workspace, oldest first."""
        require_no_parameters(request)
        rows = await parts_of(request.app).views.all(request.user.workspace)
        return response_or_unchanged(request, render_list(request, rows))

    @post(
        "/",
        opt={"permission": CREATE},
        dto=FormDTO[CreateIntegrationBody],
        return_dto=None,
        operation_id="createIntegration",
    )
    async def create_integration(
        self, request: ApiRequest, locale: FromPath[str], data: CreateIntegrationBody
    ) -> Response[IntegrationAnswer]:
        """Add an integration; its secrets are sealed and never shown again."""
        parts, integration = parts_of(request.app), new_integration_id()
        location = f"/{locale}/api/integration/{integration}"
        found = [*warnings_about(data, parts.providers[data.type])]
        prepared = await creation(data, parts.keyring, request.user.workspace, integration)
        return await execute_once(
            request,
            asked(request, integration, prepared),
            lambda row: render_created(request, required(row), location, found),
        )

    @get("/{integration_id:str}", opt={"permission": VIEW}, operation_id="getIntegration")
    async def get_integration(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[IntegrationAnswer]:
        """Show one integration, without its secrets."""
        views, workspace = parts_of(request.app).views, request.user.workspace
        row = required(await views.one(workspace, required_id(integration_id)))
        answer = render_one(request, row, "Integration fetched successfully")
        return response_or_unchanged(request, answer)

    @patch(
        "/{integration_id:str}",
        opt={"permission": EDIT},
        dto=FormDTO[ChangeIntegrationBody],
        return_dto=None,
        operation_id="changeIntegration",
    )
    async def change_integration(
        self, request: ApiRequest, integration_id: FromPath[str], data: ChangeIntegrationBody
    ) -> Response[IntegrationAnswer]:
        """Change what is given; absent keeps, null clears."""
        return await changed(request, integration_id, ChangeIntegration(**asdict(data)))

    @post(
        "/{integration_id:str}/toggle",
        opt={"permission": EDIT},
        status_code=200,
        dto=FormDTO[ToggleBody],
        return_dto=None,
        operation_id="toggleIntegration",
    )
    async def toggle_integration(
        self, request: ApiRequest, integration_id: FromPath[str], data: ToggleBody
    ) -> Response[IntegrationAnswer]:
        """Switch an integration on or off; it is set, never flipped."""
        return await changed(request, integration_id, ToggleIntegration(is_active=data.is_active))

    @put(
        "/{integration_id:str}/credentials",
        opt={"permission": EDIT},
        dto=FormDTO[ReplaceCredentialsBody],
        return_dto=None,
        operation_id="replaceCredentials",
    )
    async def replace_credentials(
        self, request: ApiRequest, integration_id: FromPath[str], data: ReplaceCredentialsBody
    ) -> Response[IntegrationAnswer]:
        """Replace the secrets that are given; the old ones are destroyed."""
        keyring, workspace = parts_of(request.app).keyring, request.user.workspace
        ask = replacement(data, keyring, workspace, integration_id)
        return await changed(request, integration_id, ask, "Credentials replaced successfully")

    @delete(
        "/{integration_id:str}",
        opt={"permission": DELETE},
        status_code=200,
        operation_id="deleteIntegration",
    )
    async def delete_integration(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[NothingAnswer]:
        """Remove an integration and destroy its secrets."""
        return await execute_once(
            request,
            asked(request, integration_id, DeleteIntegration()),
            lambda _: render_nothing(request, "Integration deleted successfully"),
        )


async def changed(
    request: ApiRequest,
    integration: str,
    ask: IntegrationCommand | Prepare,
    message: str = "Integration updated successfully",
) -> Response[Any]:
    """Execute what changes *integration* and answer with it as it then is."""
    return await execute_once(
        request,
        asked(request, integration, ask),
        lambda row: render_one(request, required(row), message),
    )
