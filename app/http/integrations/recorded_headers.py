"""Keeps secrets out of the headers that events record, and the export shows (contract, 4).

An Idempotency-Key with a secret is refused. A request id is never an error (contract, 1): one that
does not fit is replaced by one of ours, in the event, the log lines and the response.
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
from app.http.integrations.public_text import LOOKS_LIKE_SECRET, REPEATS_SECRET, hidden_secrets
from app.http.middleware import given_request_id, replace_request_id
from app.http.types import ApiRequest
from app.providers.vapid import is_pasted_pair
from app.secrets.disclosure import find_disclosures
from app.secrets.private_key_text import has_key_structure
from app.secrets.secret import Secret
from domain.aggregates import INTEGRATION, aggregate_of
from domain.integration import Integration, SecretField

# Most clients send one; no secret that is stored is opened to compare it.
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
Secrets = Mapping[SecretField, Secret]
KEY, REQUEST_ID = "Idempotency-Key", "X-Request-Id"


async def execute_command(
    request: ApiRequest, command: CommandRequest, render: Render, body: Struct | None = None
) -> Response[Any]:
    """Execute *command* with *body* once its metadata hold no secret of the integration.

    Raises:
        InvalidFieldsError: the Idempotency-Key is malformed, or contains a secret.
        IdempotencyKeyReusedError, IdempotencyQuotaError, RequestInProgressError: as
            `execute_idempotently`.
    """
    command = await without_recorded_secrets(request, command, body)
    return await execute_idempotently(request, command, render)


async def without_recorded_secrets(
    request: ApiRequest, command: CommandRequest, body: Struct | None
) -> CommandRequest:
    """Return *command*, with another request id if its own contains a secret.

    Raises:
        InvalidFieldsError: the Idempotency-Key contains one.
    """
    texts = recorded_texts(request)
    if not texts:
        return command
    if has_key_structure(texts.get(KEY, "")):
        raise InvalidFieldsError([(KEY, LOOKS_LIKE_SECRET)])
    found = await find_recorded_secrets(request, command, body, texts)
    if REQUEST_ID in found:
        replace_request_id(request.scope)
        command = replace(command, metadata=request_metadata(request))
    if KEY in found:
        raise InvalidFieldsError([(KEY, REPEATS_SECRET)])
    return command


def recorded_texts(request: ApiRequest) -> Mapping[str, str]:
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
    request: ApiRequest, command: CommandRequest, body: Struct | None, texts: Mapping[str, str]
) -> set[str]:
    """Return the names of the *texts* that contain a secret of *body*, or one that is stored."""
    state = Integration()  # which has no secrets, and neither has the default of a channel
    is_safe = creates_integration(command.command) or all(map(UUID.fullmatch, texts.values()))
    if aggregate_of(command.stream) is INTEGRATION and not is_safe:
        log = get_dependencies(request.app).command_handler.log
        state = (await log.load(command.workspace, command.stream)).state
    provider = get_dependencies(request.app).providers.get(state.type or getattr(body, "type", ""))
    new: Secrets = secrets_in(body) if body else {}
    stored = await open_stored(request, command, state)
    secrets = [
        *hidden_secrets(stored, provider).values(),
        *hidden_secrets(new, provider).values(),
    ]
    public = getattr(body, "vapid_public_key", None) or state.vapid_public_key
    paired = {name for name, text in texts.items() if public and is_pasted_pair(public, text)}
    return paired.union(find_disclosures(texts, secrets))


async def open_stored(request: ApiRequest, command: CommandRequest, state: Integration) -> Secrets:
    """Return the stored secrets of *state*; none if the keyring is away.

    An integration can be switched off then too.
    """
    if not state.credentials:
        return {}
    secrets = get_dependencies(request.app).secrets
    try:
        return await secrets.unseal_available(command.workspace, command.stream, state.credentials)
    except UnavailableError:
        return {}
