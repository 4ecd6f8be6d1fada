"""The status code of every error, in one table."""

from collections.abc import Mapping

from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

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
    UnsupportedTransferEncodingError,
    WarningsRejectedError,
)
from app.rate_limit import RateLimitExceededError
from app.secrets.errors import UnsealError
from app.tokens.errors import MissingTokenError, UnauthorizedError
from domain.errors import (
    DefaultMismatchError,
    IntegrationNotFoundError,
    NoVersionExpectedError,
    UnexpectedVersionError,
    VersionMismatchError,
)

CLIENT_LEFT = "client disconnected prematurely"  # Litestar's text for an incomplete body


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
    DefaultMismatchError: Problem(
        412, "PRECONDITION_FAILED", "The default of the channel has changed since it was read"
    ),
    NoVersionExpectedError: Problem(
        412,
        "PRECONDITION_FAILED",
        "If-Match names no version; send the ETag of what you change, in its quotation marks and"
        " without W/",
    ),
    UnexpectedVersionError: Problem(
        412, "PRECONDITION_FAILED", "If-None-Match names the version that is there"
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
    UnsupportedTransferEncodingError: Problem(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body must come without a Transfer-Encoding other than chunked",
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
    # A lease: to repeat it is in vain until somebody replaces the credentials.
    UnsealError: Problem(
        409,
        "CONFLICT",
        "The stored credentials cannot be opened; the reason is in the operator's log",
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
