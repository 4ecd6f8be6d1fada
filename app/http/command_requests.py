"""From an HTTP request to a CommandRequest: command, integration, caller, If-Match."""

import re
from typing import TypeVar, cast, get_args

from app.command_handler import CommandFactory, CommandRequest, PreparedCommand
from app.http.dependencies import get_dependencies
from app.http.middleware import get_request_id
from app.http.preconditions import if_match_versions, if_none_match_versions
from app.http.types import ApiRequest
from app.identifiers import is_integration_id
from domain.envelope import EventMetadata
from domain.errors import IntegrationNotFoundError
from domain.integration import Channel, IntegrationCommand

Found = TypeVar("Found")
IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def build_command_request(
    request: ApiRequest,
    integration: str,
    ask: IntegrationCommand | PreparedCommand | CommandFactory,
) -> CommandRequest:
    """Return the command of *request* for *integration* of the caller's workspace.

    Raises:
        IntegrationNotFoundError: *integration* is not a valid id.
    """
    command = ask if callable(ask) or isinstance(ask, PreparedCommand) else PreparedCommand(ask)
    return build_stream_request(request, require_integration_id(integration), command)


def build_stream_request(
    request: ApiRequest, stream: str, command: PreparedCommand | CommandFactory
) -> CommandRequest:
    """Return the *command* of *request* for *stream* of the caller's workspace."""
    return CommandRequest(
        workspace=request.user.workspace,
        stream=stream,
        metadata=request_metadata(request),
        command=command,
        expected_versions=if_match_versions(request),
        unexpected_versions=if_none_match_versions(request),
    )


def require_channel(channel: str) -> Channel:
    """Return *channel*; raise IntegrationNotFoundError if there is no such channel."""
    if channel not in get_args(Channel):
        raise IntegrationNotFoundError
    return cast("Channel", channel)


def require_integration_id(integration: str) -> str:
    """Return *integration*; raise IntegrationNotFoundError if it is not a valid id."""
    if not is_integration_id(integration):
        raise IntegrationNotFoundError
    return integration


def require_found(found: Found | None) -> Found:
    """Return what was *found*; raise IntegrationNotFoundError if there is nothing."""
    if found is None:
        raise IntegrationNotFoundError
    return found


def request_metadata(request: ApiRequest) -> EventMetadata:
    """Return the metadata of *request* that is stored with its events."""
    key = request.headers.get("idempotency-key", "")
    return EventMetadata(
        actor=request.user.actor,
        client_address=get_dependencies(request.app).trusted_proxies.client_address(request.scope),
        request_id=get_request_id(request.scope),
        idempotency_key=key if IDEMPOTENCY_KEY.fullmatch(key) else None,
    )
