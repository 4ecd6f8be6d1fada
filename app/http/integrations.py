"""The resource integration: list, create, get, delete (integration-api.md)."""

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath
from msgspec import UNSET

from app.http.answers import (
    ApiRequest,
    IntegrationAnswer,
    IntegrationListAnswer,
    IntegrationListResult,
    IntegrationResult,
    NothingAnswer,
    NothingResult,
    answered,
    object_from,
)
from app.http.asking import asked, require_no_parameters, required, required_id
from app.http.bodies import CreateIntegrationBody
from app.http.creating import command_from, sealed_from
from app.http.identity import require_permission
from app.http.parts import parts_of
from app.http.problems import details_from
from app.http.reading import FormDTO
from app.http.warnings import warnings_about
from app.identifiers import new_integration_id
from app.tokens.principal import CREATE, DELETE, VIEW
from domain.integration import DeleteIntegration

PATH = "/{locale:str}/api/integration"


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
        result = IntegrationListResult(
            data=[object_from(row) for row in rows],
            message=request.auth.text("Integrations fetched successfully"),
            status=200,
            total_count=len(rows),
        )
        return answered(request, IntegrationListAnswer(result))

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
        sealed = await sealed_from(data, parts.keyring, request.user.workspace, integration)
        command = asked(request, integration, command_from(data, sealed), sealed)
        row = required(await parts.executor.execute(command))
        found = [*warnings_about(data, parts.providers[data.type])]
        result = IntegrationResult(
            data=object_from(row),
            message=request.auth.text("Integration created successfully"),
            status=201,
            warnings=details_from(found, request.auth) if found else UNSET,
        )
        location = f"/{locale}/api/integration/{integration}"
        return answered(request, IntegrationAnswer(result), 201, Location=location)

    @get("/{integration_id:str}", opt={"permission": VIEW}, operation_id="getIntegration")
    async def get_integration(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[IntegrationAnswer]:
        """Show one integration, without its secrets."""
        views, workspace = parts_of(request.app).views, request.user.workspace
        row = required(await views.one(workspace, required_id(integration_id)))
        result = IntegrationResult(
            data=object_from(row),
            message=request.auth.text("Integration fetched successfully"),
            status=200,
        )
        return answered(request, IntegrationAnswer(result))

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
        command = asked(request, integration_id, DeleteIntegration())
        await parts_of(request.app).executor.execute(command)
        result = NothingResult(
            data=None, message=request.auth.text("Integration deleted successfully"), status=200
        )
        return answered(request, NothingAnswer(result))
