"""The resource integration (integration-api.md; contract, 4 to 7)."""

from typing import Any

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath
from msgspec.structs import asdict

from app.command_handler import PreparedCommand
from app.http.authorization import require_permission
from app.http.body_dto import FormDTO
from app.http.command_requests import asked, required, required_id
from app.http.dependencies import parts_of
from app.http.idempotency import execute_once
from app.http.integrations.bodies import (
    ChangeIntegrationBody,
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    ToggleBody,
)
from app.http.integrations.commands import Doubted, Pairs, creation, replacement
from app.http.integrations.list_query import LIST, page_of
from app.http.integrations.responses import (
    IntegrationAnswer,
    IntegrationListAnswer,
    render_created,
    render_list,
    render_one,
)
from app.http.integrations.warnings import warnings_about
from app.http.preferences import require_undoubted, with_preference
from app.http.query_parameters import AS_OF, operation_with
from app.http.responses import NothingAnswer, render_nothing, response_or_unchanged
from app.http.types import ApiRequest
from app.identifiers import new_integration_id
from app.tokens.principal import CREATE, DELETE, EDIT, VIEW
from domain.integration import (
    ChangeIntegration,
    DeleteIntegration,
    Integration,
    ToggleIntegration,
)


class IntegrationController(Controller):
    """Third-party connections of the token's workspace."""

    path = "/{locale:str}/api/integration"
    before_request = require_permission
    tags = ("Integration",)
    security = ({"bearer": []},)

    @get(
        "/",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_with(LIST),
        operation_id="listIntegrations",
    )
    async def list_integrations(self, request: ApiRequest) -> Response[IntegrationListAnswer]:
        """List integrations: all of them, oldest first, unless parameters say otherwise."""
        page, order = await page_of(request)
        return response_or_unchanged(request, render_list(request, page, order))

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
        require_undoubted(request, found)
        prepared = await creation(data, parts.keyring, request.user.workspace, integration)
        return await execute_once(
            request,
            asked(request, integration, prepared),
            lambda row: with_preference(
                request, render_created(request, required(row), location, found)
            ),
        )

    @get(
        "/{integration_id:str}",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_with(AS_OF),
        operation_id="getIntegration",
    )
    async def get_integration(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[IntegrationAnswer]:
        """Show one integration, without its secrets."""
        parts, workspace = parts_of(request.app), request.user.workspace
        moment, integration = AS_OF.read(request).as_of, required_id(integration_id)
        if moment is None:
            row = await parts.views.one(workspace, integration)
        else:
            row = await parts.past.one(workspace, integration, moment)
        answer = render_one(request, required(row), "Integration fetched successfully")
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
        pairs = Pairs(parts_of(request.app), request.user.workspace, integration_id)

        async def prepare(state: Integration) -> PreparedCommand:
            await pairs.require_public(state, data.vapid_public_key)
            return PreparedCommand(ChangeIntegration(**asdict(data)))

        message = "Integration updated successfully"
        return await changed(request, integration_id, Doubted(request, data, prepare), message)

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
        command = ToggleIntegration(is_active=data.is_active)
        return await execute_once(
            request,
            asked(request, integration_id, command),
            lambda row: render_one(request, required(row), "Integration updated successfully"),
        )

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
        parts, workspace = parts_of(request.app), request.user.workspace
        pairs = Pairs(parts, workspace, integration_id)
        replace = replacement(data, parts.keyring, workspace, integration_id)

        async def prepare(state: Integration) -> PreparedCommand:
            if data.vapid_public_key is None:
                pairs.require_private(state, data.vapid_private_key)
            elif data.vapid_private_key is None:
                await pairs.require_public(state, data.vapid_public_key)
            return await replace(state)

        message = "Credentials replaced successfully"
        return await changed(request, integration_id, Doubted(request, data, prepare), message)

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
    request: ApiRequest, integration: str, change: Doubted, message: str
) -> Response[Any]:
    """Execute what changes *integration* and answer with it as it then is."""
    return await execute_once(
        request,
        asked(request, integration, change.prepare),
        lambda row: with_preference(
            request, render_one(request, required(row), message, change.found)
        ),
    )
