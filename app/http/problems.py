"""What a failure looks like: the only table of status codes, and the error envelope."""

from collections.abc import Iterable, Mapping

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from msgspec import UNSET, Struct

from app.http.answers import Detail, ProblemAnswer, ProblemResult
from app.http.forms import Found, InvalidFieldsError, MalformedBodyError, NoObjectError
from app.http.parts import parts_of
from app.http.scope import first_segment, request_id_of
from app.locales.catalogues import Language
from app.log.event_log import StillRunningError, UnavailableError
from app.tokens.errors import UnauthorizedError
from domain.errors import NotFoundError, VersionMovedError

log = structlog.get_logger("problems")


class ForbiddenError(Exception):
    """The token lacks the permission for this."""


class KeyReusedError(Exception):
    """This idempotency key was used with another request."""


class UnsupportedMediaTypeError(Exception):
    """The body is not application/json."""


class Problem(Struct, frozen=True):
    """How one kind of failure is answered; `message` is English, a key of the catalogues."""

    status: int
    error: str
    message: str
    headers: Mapping[str, str] = {}


NOT_FOUND = Problem(404, "NOT_FOUND", "There is nothing here")
INVALID = Problem(400, "VALIDATION_ERROR", "The request is not valid")
MALFORMED = Problem(400, "VALIDATION_ERROR", "The body is not valid JSON")
INTERNAL = Problem(500, "INTERNAL_ERROR", "Something went wrong on our side")
UNAVAILABLE = Problem(
    503,
    "UNAVAILABLE",
    "The service is not available right now; repeat the request with the same idempotency key",
    {"Retry-After": "1"},
)
STATUS: Mapping[type[Exception], Problem] = {
    MalformedBodyError: MALFORMED,
    NoObjectError: Problem(400, "VALIDATION_ERROR", "The body must be a JSON object"),
    InvalidFieldsError: INVALID,
    UnauthorizedError: Problem(
        401, "UNAUTHORIZED", "A valid bearer token is needed", {"WWW-Authenticate": "Bearer"}
    ),
    ForbiddenError: Problem(403, "FORBIDDEN", "The token lacks the permission for this"),
    NotFoundError: NOT_FOUND,
    VersionMovedError: Problem(
        412, "PRECONDITION_FAILED", "The integration has changed since it was read"
    ),
    StillRunningError: Problem(
        409, "CONFLICT", "Another request with this idempotency key is still running"
    ),
    KeyReusedError: Problem(
        422, "UNPROCESSABLE", "This idempotency key was used with another request"
    ),
    UnsupportedMediaTypeError: Problem(
        415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json"
    ),
    UnavailableError: UNAVAILABLE,
}
OF_THE_FRAMEWORK: Mapping[int, Problem] = {
    400: MALFORMED,
    404: NOT_FOUND,
    405: Problem(405, "METHOD_NOT_ALLOWED", "This method is not allowed here"),
    413: Problem(413, "PAYLOAD_TOO_LARGE", "The body is too large"),
}


def answer_problem(
    request: Request[object, object, State], error: Exception
) -> Response[ProblemAnswer]:
    """Answer *error* with the error envelope, in the language of the request's path."""
    problem = problem_of(error)
    if problem is INTERNAL:
        log.error("unexpected error", request_id=request_id_of(request.scope), exc_info=error)
    language = language_of(request)
    found = error.found if isinstance(error, InvalidFieldsError) else None
    result = ProblemResult(
        data=None,
        error=problem.error,
        message=language.text(problem.message),
        status=problem.status,
        request_id=request_id_of(request.scope),
        details=details_from(found, language) if found else UNSET,
    )
    headers = {**problem.headers, **allow_of(error), "Content-Language": language.tag}
    return Response(ProblemAnswer(result), status_code=problem.status, headers=headers)


def language_of(request: Request[object, object, State]) -> Language:
    """Return the language of the path's first segment; English where that names none."""
    catalogues = parts_of(request.app).catalogues
    return catalogues.negotiate(first_segment(request.scope["path"])) or catalogues.languages["en"]


def problem_of(error: Exception) -> Problem:
    """Return how *error* is answered; whatever nobody thought of is an internal error."""
    if isinstance(error, HTTPException):
        return OF_THE_FRAMEWORK.get(error.status_code, INTERNAL)
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), INTERNAL)


def details_from(found: Iterable[Found], language: Language) -> list[Detail]:
    """Return what was found, field by field, in *language*."""
    return [
        Detail(field, problem.code, language.text(problem.message, **problem.limits))
        for field, problem in found
    ]


def allow_of(error: Exception) -> dict[str, str]:
    """Return the header Allow, where Litestar says which methods a path has."""
    headers = error.headers if isinstance(error, HTTPException) else None
    allowed = (headers or {}).get("allow")
    return {"Allow": allowed} if allowed else {}
