"""The error envelope of every error, as it is sent."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from msgspec import UNSET
from msgspec.json import encode

from app.http.errors import FieldFinding, InvalidFieldsError
from app.http.middleware import get_request_id
from app.http.problems import INTERNAL_ERROR, Problem, problem_for
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
from app.secrets.errors import KeyringUnavailableError

MAX_DETAILS = 50  # a small body with many wrong names must not draw a large response
log = structlog.get_logger(source="problems")


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
