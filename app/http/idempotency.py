"""Safe repetition: the first answer to an Idempotency-Key is every answer (contract, 7)."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from litestar import Response
from msgspec.structs import replace

from app.command_handler import CommandRequest
from app.event_store.protocol import DuplicateRequestError, RequestInProgressError, StoredResponse
from app.http.command_requests import IDEMPOTENCY_KEY
from app.http.dependencies import parts_of
from app.http.errors import InvalidFieldsError, KeyReusedError
from app.http.field_rules import FieldProblem
from app.http.responses import Rendered, response_of
from app.http.types import ApiRequest
from app.keyed_lock import NoTurnError
from app.secrets.errors import DecryptionError, UnknownKekError
from app.secrets.keyring import Keyring, WrappedKey
from app.secrets.secret import Secret
from projections.integration_view import IntegrationRow

LABEL = b"integrations/fingerprint/v1\0"
PATIENCE = 2.0  # seconds that a repeat waits for the first request's answer
MALFORMED_KEY = FieldProblem("INVALID_HEADER", "This must be 1 to 255 printable ASCII characters")
Render = Callable[[IntegrationRow | None], Rendered]


async def execute_once(
    request: ApiRequest, command: CommandRequest, render: Render
) -> Response[Any]:
    """Execute *command* and answer; where its key was used, answer what was answered then.

    Raises:
        InvalidFieldsError: the key is malformed.
        KeyReusedError: another request was made under the key.
        RequestInProgressError: the first request under the key has no answer yet.
    """
    parts, key = parts_of(request.app), key_of(request)
    if key is None:
        return response_of(render(await parts.executor.execute(command)))
    try:
        async with parts.in_flight.of((command.workspace, key), PATIENCE):
            return await first_or_repeat(request, command, render, key)
    except NoTurnError:
        raise RequestInProgressError from None


async def first_or_repeat(
    request: ApiRequest, command: CommandRequest, render: Render, key: str
) -> Response[Any]:
    """Execute *command* and keep the answer, or answer what is kept."""
    parts, place = parts_of(request.app), f"{command.workspace} {key}"
    fingerprint = fingerprint_of(request, await request.body())
    if (kept := await parts.executor.log.stored_response(command.workspace, key)) is None:
        sealed = await sealed_fingerprint(parts.keyring, fingerprint, place)

        def keep(row: IntegrationRow | None) -> StoredResponse:
            made = render(row)
            return StoredResponse(key, sealed, made.status, made.headers, made.body)

        try:
            return response_of(render(await parts.executor.execute(replace(command, answer=keep))))
        except DuplicateRequestError:  # by another process, in the meantime
            kept = required(await parts.executor.log.stored_response(command.workspace, key))
    if not await is_same(parts.keyring, kept.fingerprint, fingerprint, place):
        raise KeyReusedError
    return replayed(kept)


def key_of(request: ApiRequest) -> str | None:
    """Return the Idempotency-Key; raise InvalidFieldsError where it is malformed."""
    key = request.headers.get("idempotency-key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidFieldsError([("Idempotency-Key", MALFORMED_KEY)])
    return key


def replayed(kept: StoredResponse) -> Response[Any]:
    """Return the first answer once more."""
    headers = {**kept.headers, "Idempotency-Replayed": "true"}
    return response_of(Rendered(kept.status, kept.body, headers))


def required(kept: StoredResponse | None) -> StoredResponse:
    """Return *kept*; raise RequestInProgressError in the moment in which it has just expired."""
    if kept is None:
        raise RequestInProgressError
    return kept


def fingerprint_of(request: ApiRequest, body: bytes) -> Secret:
    """Return the SHA-256 over workspace, method, path and body."""
    place = f"{request.user.workspace} {request.method} {request.scope['path']}\n"
    return Secret(sha256(place.encode() + body).digest())


async def sealed_fingerprint(keyring: Keyring, fingerprint: Secret, place: str) -> bytes:
    """Return *fingerprint* under the current KEK, bound to *place*, as it is kept.

    A body holds secrets, and a short one could be found by trying bodies against a bare hash.
    """
    wrapped = await keyring.wrap(fingerprint, LABEL + place.encode())
    return wrapped.kek.encode() + b"\0" + wrapped.wrapped


async def is_same(keyring: Keyring, kept: bytes, fingerprint: Secret, place: str) -> bool:
    """Tell whether *kept* is *fingerprint*; it is not where its KEK is gone by now."""
    kek, _, wrapped = kept.partition(b"\0")
    try:
        opened = await keyring.unwrap(
            WrappedKey(kek=kek.decode(), wrapped=wrapped), LABEL + place.encode()
        )
    except (UnknownKekError, DecryptionError):
        return False
    return opened == fingerprint
