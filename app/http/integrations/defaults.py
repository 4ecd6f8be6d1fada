"""The default of each channel: which integration workers send with (docs/api.md#defaults)."""

from collections.abc import Sequence
from typing import get_args

from litestar import Controller, Response, delete, get, put
from litestar.params import FromPath
from msgspec import Struct
from msgspec.json import encode

from app.access.errors import IntegrationInactiveError
from app.command_handler import PreparedCommand
from app.http.authorization import authorize
from app.http.body_dto import BodyDTO
from app.http.command_requests import (
    build_stream_request,
    require_channel,
    require_found,
    require_integration_id,
)
from app.http.dependencies import Dependencies, get_dependencies
from app.http.errors import InvalidFieldsError
from app.http.expensive_requests import run_limited
from app.http.integrations.bodies import CHANNEL_MISMATCH
from app.http.integrations.recorded_headers import execute_command
from app.http.preconditions import body_etag, etag
from app.http.query_parameters import AS_OF_QUERY, operation_class
from app.http.request_bodies import BodySchema
from app.http.responses import (
    EmptyResponse,
    RenderedResponse,
    conditional_response,
    render_empty,
    response_headers,
)
from app.http.text_rules import text
from app.http.timestamps import Time, format_timestamp
from app.http.types import ApiRequest, Id
from app.tokens.principal import EDIT, VIEW
from app.views.as_of import PointInTime
from app.views.channel_defaults import ChosenDefault, State, state_of
from domain.channel_default import ChooseDefault, ClearDefault, channel_of, default_stream
from domain.integration import Channel


class ChooseDefaultBody(Struct, rename="camel"):
    """The integration to send with from now on."""

    integration_id: str


CHOOSE_SCHEMA = BodySchema(
    shape=ChooseDefaultBody,
    rules={"integrationId": text(255, trimmed=True)},
    examples={"An integration of this channel": {"integrationId": f"int_{'0' * 26}"}},
)


class ChannelDefaultObject(Struct, rename="camel"):
    """The default of a channel; `state` says whether it can be used now."""

    channel: Channel
    integration_id: Id
    state: State
    version: int
    chosen_at: Time


class ChannelDefaultResult(Struct):
    """The default of one channel."""

    data: ChannelDefaultObject
    message: str
    status: int


class ChannelDefaultResponse(Struct):
    """The response with the default of one channel."""

    result: ChannelDefaultResult


class ChannelDefaultListResult(Struct, rename="camel"):
    """The defaults of all channels that have one."""

    data: list[ChannelDefaultObject]
    message: str
    status: int
    total_count: int


class ChannelDefaultListResponse(Struct):
    """The response with the defaults of all channels that have one."""

    result: ChannelDefaultListResult


class ChannelDefaultController(Controller):
    """Which integration of a channel workers lease that ask for the channel."""

    path = "/{locale:str}/api/integration-defaults"
    before_request = authorize
    tags = ("Integration",)
    security = ({"bearer": []},)

    @get(
        "/",
        opt={"permission": VIEW, "parameters": True},
        operation_class=operation_class(AS_OF_QUERY),
        operation_id="listDefaults",
    )
    async def list_defaults(self, request: ApiRequest) -> Response[ChannelDefaultListResponse]:
        """List the default of each channel that has one, and whether it can be used now."""
        dependencies, workspace = get_dependencies(request.app), request.user.workspace
        point_in_time = AS_OF_QUERY.read(request).as_of
        if point_in_time is None:
            chosen = await dependencies.defaults.all(workspace)
        else:
            past = defaults_as_of(dependencies, workspace, point_in_time)
            chosen = await run_limited(request, past)
        return conditional_response(request, render_defaults(request, chosen))

    @put(
        "/{channel:str}",
        opt={"permission": EDIT},
        dto=BodyDTO[ChooseDefaultBody],
        return_dto=None,
        operation_id="chooseDefault",
    )
    async def choose_default(
        self, request: ApiRequest, channel: FromPath[str], data: ChooseDefaultBody
    ) -> Response[ChannelDefaultResponse]:
        """Choose the integration that a channel is sent with, in the place of the last one."""
        wanted, integration = require_channel(channel), require_integration_id(data.integration_id)

        async def prepare(_: object) -> PreparedCommand:
            await require_usable(request, wanted, integration)
            return PreparedCommand(ChooseDefault(integration_id=integration))

        return await execute_command(
            request,
            build_stream_request(request, default_stream(wanted), prepare),
            lambda row: render_chosen(request, ChosenDefault(require_found(row), "ok")),
            chosen=integration,
        )

    @delete(
        "/{channel:str}",
        opt={"permission": EDIT},
        status_code=200,
        operation_id="clearDefault",
    )
    async def clear_default(
        self, request: ApiRequest, channel: FromPath[str]
    ) -> Response[EmptyResponse]:
        """Let a channel have no default any more."""
        stream = default_stream(require_channel(channel))
        return await execute_command(
            request,
            build_stream_request(request, stream, PreparedCommand(ClearDefault())),
            lambda _: render_empty(request, "Default cleared successfully"),
        )


async def require_usable(request: ApiRequest, channel: Channel, integration: str) -> None:
    """Look up whether *integration* can be the default of *channel* now.

    It may change a moment later; so workers get what is true when they lease.

    Raises:
        IntegrationNotFoundError: the caller's workspace does not have it.
        InvalidFieldsError: it belongs to another channel.
        IntegrationInactiveError: it is switched off.
    """
    views = get_dependencies(request.app).views
    row = require_found(await views.one(request.user.workspace, integration))
    if row.channel != channel:
        raise InvalidFieldsError([("integrationId", CHANNEL_MISMATCH)])
    if not row.is_active:
        raise IntegrationInactiveError


async def defaults_as_of(
    dependencies: Dependencies, workspace: str, point_in_time: PointInTime
) -> list[ChosenDefault]:
    """Return the defaults of *workspace* as they were at *point_in_time*, by channel."""
    past, found = dependencies.as_of_views, list[ChosenDefault]()
    for channel in sorted(get_args(Channel)):
        row = await past.default(workspace, channel, point_in_time)
        if row is not None:
            integration = await past.one(workspace, row.integration_id, point_in_time)
            found.append(ChosenDefault(row, state_of(integration and integration.is_active)))
    return found


def default_object(chosen: ChosenDefault) -> ChannelDefaultObject:
    """Return *chosen* as the HTTP API shows it."""
    return ChannelDefaultObject(
        channel=channel_of(chosen.row.id),
        integration_id=chosen.row.integration_id,
        state=chosen.state,
        version=chosen.row.version,
        chosen_at=format_timestamp(chosen.row.chosen_at),
    )


def render_chosen(request: ApiRequest, chosen: ChosenDefault) -> RenderedResponse:
    """Return the response with one default; its version is the entity tag."""
    result = ChannelDefaultResult(
        data=default_object(chosen),
        message=request.auth.text("Default chosen successfully"),
        status=200,
    )
    headers = response_headers(request, etag(chosen.row.version))
    return RenderedResponse(200, encode(ChannelDefaultResponse(result)), headers)


def render_defaults(request: ApiRequest, chosen: Sequence[ChosenDefault]) -> RenderedResponse:
    """Return the response with all defaults; its entity tag is a digest of the body."""
    result = ChannelDefaultListResult(
        data=[*map(default_object, chosen)],
        message=request.auth.text("Defaults fetched successfully"),
        status=200,
        total_count=len(chosen),
    )
    body = encode(ChannelDefaultListResponse(result))
    return RenderedResponse(200, body, response_headers(request, body_etag(body)))
