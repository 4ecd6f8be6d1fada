"""The status code of every error, in one table, and the error envelope."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from msgspec import UNSET, Struct
from msgspec.json import encode

from app.access.errors import (
    DefaultInactiveError,
    IntegrationInactiveError,
    NoDefaultError,
    RecipientRequiredError,
)
from app.database.availability import UnavailableError
from app.event_store.protocol import RequestInProgressError
from app.http.errors import (
    ClientLeftError,
    FieldFinding,
    ForbiddenError,
    IdempotencyKeyReusedError,
    IdempotencyQuotaError,
    InvalidFieldsError,
    MalformedBodyError,
    NoBodyError,
    NotAnObjectError,
    NotReadyError,
    NotUtf8Error,
    ProofUnavailableError,
    TooMuchToReadError,
    UnsupportedEncodingError,
    UnsupportedMediaTypeError,
    WarningsRejectedError,
)
from app.http.middleware import get_request_id
from app.http.responses import (
    Detail,
    ErrorResponse,
    ErrorResult,
    RenderedResponse,
    to_response,
)
from app.http.security_log import REFUSALS, SecurityLog
from app.locales.catalogues import Catalogues, Language
from app.rate_limit import RateLimitExceededError
from app.secrets.vault_client import KeyringUnavailableError
from app.tokens.errors import MissingTokenError, UnauthorizedError
from domain.errors import IntegrationNotFoundError, VersionMismatchError

MAX_DETAILS = 50  # a small body with many wrong names must not draw a large response
CLIENT_LEFT = "client disconnected prematurely"  # Litestar's text for an incomplete body
log = structlog.get_logger(source="problems")


class Problem(Struct, frozen=True):
    """The response to one kind of error; `message` is English, a key of the catalogues."""

    status: int
    error: str
    message: str
    headers: Mapping[str, str] = {}


NOT_FOUND = Problem(404, "NOT_FOUND", "There is nothing here")
INVALID_REQUEST = Problem(400, "VALIDATION_ERROR", "The request is not valid")
MALFORMED_BODY = Problem(400, "VALIDATION_ERROR", "The body is not valid JSON")
INTERNAL_ERROR = Problem(500, "INTERNAL_ERROR", "Something went wrong on our side")
UNAVAILABLE = Problem(
    503,
    "UNAVAILABLE",
    "The service is not available right now; repeat the request with the same idempotency key",
    {"Retry-After": "1"},
)
NOT_AUTHENTICATED = "A valid bearer token is needed"
PROBLEMS: Mapping[type[Exception], Problem] = {
    MalformedBodyError: MALFORMED_BODY,
    NotUtf8Error: Problem(400, "VALIDATION_ERROR", "The body must be UTF-8"),
    NoBodyError: Problem(400, "VALIDATION_ERROR", "A JSON body is needed"),
    NotAnObjectError: Problem(400, "VALIDATION_ERROR", "The body must be a JSON object"),
    InvalidFieldsError: INVALID_REQUEST,
    WarningsRejectedError: Problem(
        422,
        "UNPROCESSABLE",
        "The request has warnings; see the details",
        {"Preference-Applied": "handling=strict"},
    ),
    # RFC 6750, section 3.1: the error if there was a token, nothing if there was none.
    UnauthorizedError: Problem(
        401, "UNAUTHORIZED", NOT_AUTHENTICATED, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    ),
    MissingTokenError: Problem(
        401, "UNAUTHORIZED", NOT_AUTHENTICATED, {"WWW-Authenticate": "Bearer"}
    ),
    ForbiddenError: Problem(403, "FORBIDDEN", "The token lacks the permission for this"),
    ProofUnavailableError: Problem(404, "NOT_FOUND", "There is no such proof"),
    IntegrationNotFoundError: NOT_FOUND,
    VersionMismatchError: Problem(
        412, "PRECONDITION_FAILED", "The integration has changed since it was read"
    ),
    RequestInProgressError: Problem(
        409, "CONFLICT", "Another request with this idempotency key is still running"
    ),
    TooMuchToReadError: Problem(
        422, "UNPROCESSABLE", "The request reads more than one request may; see the details"
    ),
    IdempotencyKeyReusedError: Problem(
        422, "UNPROCESSABLE", "This idempotency key was used with another request"
    ),
    ClientLeftError: INVALID_REQUEST,  # nobody reads it; it is for the access log
    UnsupportedEncodingError: Problem(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body must come without a Content-Encoding",
        {"Accept-Encoding": "identity"},
    ),
    UnsupportedMediaTypeError: Problem(
        415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json in UTF-8"
    ),
    IdempotencyQuotaError: Problem(
        429,
        "TOO_MANY_REQUESTS",
        "Too many requests with an idempotency key within 24 hours",
        {"Retry-After": "60"},
    ),
    RateLimitExceededError: Problem(
        429, "TOO_MANY_REQUESTS", "Too many requests", {"Retry-After": "1"}
    ),
    RecipientRequiredError: Problem(
        403,
        "RECIPIENT_REQUIRED",
        "The token must name an X25519 key in cnf.jwk, which the lease is sealed to",
    ),
    IntegrationInactiveError: Problem(
        409, "INTEGRATION_INACTIVE", "The integration is switched off"
    ),
    NotReadyError: UNAVAILABLE,
    NoDefaultError: Problem(409, "NO_DEFAULT", "The channel has no default"),
    DefaultInactiveError: Problem(
        409, "DEFAULT_INACTIVE", "The default of the channel is switched off or deleted"
    ),
    UnavailableError: UNAVAILABLE,
}
METHOD_NOT_ALLOWED = Problem(405, "METHOD_NOT_ALLOWED", "This method is not allowed here")
FRAMEWORK_PROBLEMS: Mapping[int, Problem] = {
    400: INVALID_REQUEST,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: Problem(413, "PAYLOAD_TOO_LARGE", "The body is too large"),
}


def handle_exception(
    catalogues: Catalogues,
    security_log: SecurityLog,
    request: Request[object, object, State],
    error: Exception,
) -> Response[Any]:
    """Return the response to *error*; every refusal comes by here and is in the security log."""
    status = problem_for(error).status
    if status in REFUSALS:
        security_log.refused(request.scope, status, error)
    return to_response(render_error(catalogues, request.scope, error))


def render_error(catalogues: Catalogues, scope: Any, error: Exception) -> RenderedResponse:  # noqa: ANN401 — Litestar and ASGI type scopes differently
    """Return the error envelope for *error*, in the language of the path of *scope*."""
    problem, request_id = problem_for(error), get_request_id(scope)
    if problem is INTERNAL_ERROR:
        log.error("unexpected error", request_id=request_id, exc_info=error)
    if isinstance(error, KeyringUnavailableError):  # no other line says why, and it names no value
        log.warning("keyring unavailable", request_id=request_id, reason=str(error))
    language = path_language(scope["path"], catalogues)
    findings = error.findings if isinstance(error, InvalidFieldsError) else None
    details = error_details(findings, language) if findings else ()
    message = language.text(problem.message)
    envelope = error_envelope(problem, message, request_id, details)
    headers = {**problem.headers, **error_headers(error), "Content-Language": language.tag}
    return RenderedResponse(problem.status, encode(envelope), headers)


def error_envelope(
    problem: Problem, message: str, request_id: str, details: Sequence[Detail] = ()
) -> ErrorResponse:
    """Return the error envelope of *problem*; *message* is translated."""
    return ErrorResponse(
        ErrorResult(
            data=None,
            error=problem.error,
            message=message,
            status=problem.status,
            request_id=request_id,
            details=list(details) or UNSET,
        )
    )


def path_language(path: str, catalogues: Catalogues) -> Language:
    """Return the language of the first segment of *path*; English if that names none."""
    return catalogues.negotiate(path_locale(path)) or catalogues.languages["en"]


def path_locale(path: str) -> str:
    """Return the first segment of *path* that is not empty, as Litestar's router counts them."""
    return path.lstrip("/").partition("/")[0]


def problem_for(error: Exception) -> Problem:
    """Return the problem for *error*; an unexpected one is an internal error."""
    if isinstance(error, HTTPException):
        if isinstance(error, ValidationException):
            return PROBLEMS[NoBodyError]  # Litestar reads nothing else that can be invalid
        if error.detail == CLIENT_LEFT:
            return MALFORMED_BODY  # there is not all of it
        return FRAMEWORK_PROBLEMS.get(error.status_code, INTERNAL_ERROR)
    return next(
        (PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), INTERNAL_ERROR
    )


def error_details(findings: Iterable[FieldFinding], language: Language) -> list[Detail]:
    """Return *findings* in *language*, each once, at most MAX_DETAILS.

    Two unknown fields whose names cannot be repeated are the same finding.
    """
    different = {(field, found.code, found.message): found for field, found in findings}
    return [
        Detail(field, code, language.text(message, **found.limits))
        for (field, code, message), found in islice(different.items(), MAX_DETAILS)
    ]


def error_headers(error: Exception) -> dict[str, str]:
    """Return the headers that depend on *error* itself."""
    if isinstance(error, RateLimitExceededError):
        return {"Retry-After": str(error.retry_after)}
    return allow_header(error)


def allow_header(error: Exception) -> dict[str, str]:
    """Return the header Allow if Litestar names the methods of the path; GET implies HEAD.

    OPTIONS is Litestar's own and not among them (see app/http/middleware.py).
    """
    headers = error.headers if isinstance(error, HTTPException) else None
    methods = {*(headers or {}).get("allow", "").split(", ")} - {"", "OPTIONS"}
    allowed = methods | {"HEAD"} if "GET" in methods else methods
    return {"Allow": ", ".join(sorted(allowed))} if allowed else {}
