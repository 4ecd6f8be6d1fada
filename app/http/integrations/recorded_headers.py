"""Keeps secrets out of what a caller writes into records that the export shows.

An Idempotency-Key with a secret is refused. A request id is never an error: one that does not fit
is replaced by one of ours, in the record, the log lines and the response. See
docs/api.md#repeat-a-request-safely and docs/api.md#responses.
"""

import re
from collections.abc import Mapping
from typing import Any

from litestar import Response
from msgspec import Struct
from msgspec.structs import replace

from app.command_handler import CommandRequest, creates_integration
from app.database.availability import UnavailableError
from app.http.command_requests import request_metadata
from app.http.dependencies import get_dependencies
from app.http.errors import InvalidFieldsError
from app.http.idempotency import Render, execute_idempotently, idempotency_key
from app.http.integrations.bodies import secrets_in
from app.http.integrations.public_text import (
    LOOKS_LIKE_SECRET,
    REPEATS_SECRET,
    hidden_secrets,
)
from app.http.middleware import given_request_id, replace_request_id
from app.http.types import ApiRequest
from app.secrets.disclosure import find_disclosures
from app.secrets.private_key_text import has_key_structure
from app.secrets.secret import Secret
from domain.aggregates import INTEGRATION, aggregate_of
from domain.integration import Integration, SecretField
from domain.provider import Provider

# Most clients send one; no secret that is stored is opened to compare it.
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
Secrets = Mapping[SecretField, Secret]
Texts = Mapping[str, str]
KEY, REQUEST_ID = "Idempotency-Key", "X-Request-Id"


async def execute_command(
    request: ApiRequest,
    command: CommandRequest,
    render: Render,
    body: Struct | None = None,
    chosen: str | None = None,
) -> Response[Any]:
    """Execute *command* with *body* once its metadata hold no secret of the integration.

    That of a channel's default is about the integration that is the default, and the *chosen* one.

    Raises:
        InvalidFieldsError: the Idempotency-Key is malformed, or contains a secret.
        IdempotencyKeyReusedError, IdempotencyQuotaError, RequestInProgressError: as
            `execute_idempotently`.
    """
    texts = recorded_texts(request)
    if has_key_structure(texts.get(KEY, "")):
        raise InvalidFieldsError([(KEY, LOOKS_LIKE_SECRET)])
    found = await find_recorded_secrets(request, command, body, texts, chosen) if texts else ()
    if REQUEST_ID in found:
        replace_request_id(request.scope)
        command = replace(command, metadata=request_metadata(request))
    if KEY in found:
        raise InvalidFieldsError([(KEY, REPEATS_SECRET)])
    return await execute_idempotently(request, command, render)


def recorded_texts(request: ApiRequest) -> Texts:
    """Return the client's headers that events record, by their names.

    Raises:
        InvalidFieldsError: the Idempotency-Key is malformed, so nothing else reads it.
    """
    texts = {
        KEY: idempotency_key(request),
        REQUEST_ID: given_request_id(request.scope),
    }
    return {name: text for name, text in texts.items() if text}


async def find_recorded_secrets(
    request: ApiRequest,
    command: CommandRequest,
    body: Struct | None,
    texts: Texts,
    chosen: str | None,
) -> set[str]:
    """Return the names of the *texts* that contain a secret of *body*, or one that is stored."""
    is_safe = creates_integration(command.command) or all(map(UUID.fullmatch, texts.values()))
    states: Mapping[str, Integration] = {}
    if not is_safe:
        states = await load_integrations(request, command, chosen)
    providers, found = get_dependencies(request.app).providers, set[str]()
    for stream, state in states.items():
        stored = await open_stored(request, command.workspace, stream, state)
        found |= find_secrets(texts, stored, providers.get(state.type))
    if body:
        type_ = getattr(body, "type", "") or "".join(each.type for each in states.values())
        found |= find_secrets(texts, secrets_in(body), providers.get(type_))
    return found


def find_secrets(texts: Texts, secrets: Secrets, provider: Provider | None) -> set[str]:
    """Return the names of the *texts* that contain one of *secrets* of an integration."""
    return {*find_disclosures(texts, hidden_secrets(secrets, provider).values())}


async def load_integrations(
    request: ApiRequest, command: CommandRequest, chosen: str | None
) -> Mapping[str, Integration]:
    """Return the integrations that *command* is about, by their ids; one may not exist."""
    log, workspace = get_dependencies(request.app).command_handler.log, command.workspace
    state = (await log.load(workspace, command.stream)).state
    if aggregate_of(command.stream) is INTEGRATION:
        return {command.stream: state}
    streams = {each for each in (state.integration_id, chosen) if each}
    return {each: (await log.load(workspace, each)).state for each in streams}


async def open_stored(
    request: ApiRequest, workspace: str, stream: str, state: Integration
) -> Secrets:
    """Return the stored secrets of *state*; none if the keyring is away.

    An integration can be switched off then too.
    """
    if not state.credentials:
        return {}
    secrets = get_dependencies(request.app).secrets
    try:
        return await secrets.unseal_available(workspace, stream, state.credentials)
    except UnavailableError:
        return {}
