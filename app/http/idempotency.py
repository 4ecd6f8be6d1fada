"""Idempotency keys: a repeated request gets the stored first response.

See docs/api.md#repeat-a-request-safely.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from litestar import Response
from msgspec.structs import replace

from app.command_handler import CommandRequest
from app.event_store.protocol import DuplicateRequestError, RequestInProgressError, StoredResponse
from app.http.command_requests import IDEMPOTENCY_KEY
from app.http.dependencies import get_dependencies
from app.http.errors import IdempotencyKeyReusedError, IdempotencyQuotaError, InvalidFieldsError
from app.http.field_rules import FieldProblem
from app.http.responses import RenderedResponse, to_response
from app.http.types import ApiRequest
from app.keyed_lock import LockTimeoutError
from app.secrets.errors import UnknownKekError
from app.secrets.keyring import Keyring
from app.secrets.secret import Secret

FINGERPRINT_LABEL = b"integrations/fingerprint/v1\0"
QUOTA_RETRY_AFTER = 60  # seconds, when the stored responses are counted again
REPLAY_TIMEOUT = 2.0  # seconds that a repeated request waits for the first response
MALFORMED_KEY = FieldProblem("INVALID_HEADER", "This must be 1 to 255 printable ASCII characters")
Render = Callable[[Any], RenderedResponse]
"""Renders the row that the command's stream has then, None if it has none."""


async def execute_idempotently(
    request: ApiRequest, command: CommandRequest, render: Render
) -> Response[Any]:
    """Execute *command*, or replay the stored response if its key was used before.

    Raises:
        InvalidFieldsError: the key is malformed.
        IdempotencyKeyReusedError: another request used the key.
        IdempotencyQuotaError: the workspace has too many stored responses for another one.
        RequestInProgressError: the first request with the key has no response yet.
    """
    dependencies, key = get_dependencies(request.app), idempotency_key(request)
    if key is None:
        return to_response(render(await dependencies.command_handler.handle(command)))
    try:
        async with dependencies.idempotency_locks.hold((command.workspace, key), REPLAY_TIMEOUT):
            return await execute_or_replay(request, command, render, key)
    except LockTimeoutError:
        raise RequestInProgressError from None


async def execute_or_replay(
    request: ApiRequest, command: CommandRequest, render: Render, key: str
) -> Response[Any]:
    """Execute *command*, store and send its response, or send the one that is stored."""
    dependencies, scope = get_dependencies(request.app), f"{command.workspace} {key}"
    handler = dependencies.command_handler
    fingerprint = request_fingerprint(request, await request.body())
    if (stored := await handler.log.stored_response(command.workspace, key)) is None:
        if command.workspace in dependencies.stored_responses.over_quota:
            raise IdempotencyQuotaError(QUOTA_RETRY_AFTER)
        keyed = await key_fingerprint(dependencies.keyring, fingerprint, scope)

        def render_stored(row: object) -> StoredResponse:
            nonlocal stored
            made = render(row)
            stored = StoredResponse(key, keyed, made.status, made.headers, made.body)
            return stored

        try:
            await handler.handle(replace(command, render_stored=render_stored))
        except DuplicateRequestError:  # by another process, in the meantime
            stored = await handler.log.stored_response(command.workspace, key)
        else:
            return send_stored(require_stored(stored), {})
    stored = require_stored(stored)
    if not await matches_fingerprint(dependencies.keyring, stored.fingerprint, fingerprint, scope):
        raise IdempotencyKeyReusedError
    return send_stored(stored, {"Idempotency-Replayed": "true"})


def idempotency_key(request: ApiRequest) -> str | None:
    """Return the Idempotency-Key; raise InvalidFieldsError if it is malformed."""
    key = request.headers.get("idempotency-key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidFieldsError([("Idempotency-Key", MALFORMED_KEY)])
    return key


def send_stored(stored: StoredResponse, headers: Mapping[str, str]) -> Response[Any]:
    """Return *stored* as it is sent: byte for byte, with more *headers*."""
    return to_response(RenderedResponse(stored.status, stored.body, {**stored.headers, **headers}))


def require_stored(stored: StoredResponse | None) -> StoredResponse:
    """Return *stored*; raise RequestInProgressError if it has just expired."""
    if stored is None:
        raise RequestInProgressError
    return stored


def request_fingerprint(request: ApiRequest, body: bytes) -> Secret:
    """Return the SHA-256 over workspace, method, path and body."""
    scope = f"{request.user.workspace} {request.method} {request.scope['path']}\n"
    return Secret(sha256(scope.encode() + body).digest())


async def key_fingerprint(
    keyring: Keyring, fingerprint: Secret, scope: str, kek: str | None = None
) -> bytes:
    """Return the MAC of *fingerprint* and *scope* under the current KEK, or *kek*, as it is stored.

    A body holds secrets; a bare hash of it would let short secrets be guessed.
    """
    message = FINGERPRINT_LABEL + fingerprint.reveal() + scope.encode()  # 32 bytes, then the scope
    mac = await keyring.mac(message, kek)
    return mac.kek.encode() + b"\0" + mac.tag


async def matches_fingerprint(
    keyring: Keyring, stored: bytes, fingerprint: Secret, scope: str
) -> bool:
    """Return whether *stored* is *fingerprint*; False if its KEK is gone."""
    kek = stored.partition(b"\0")[0].decode()
    try:
        return compare_digest(stored, await key_fingerprint(keyring, fingerprint, scope, kek))
    except UnknownKekError:
        return False
