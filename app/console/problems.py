"""What a page says if it cannot be what it should be."""

from typing import Any

import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from app.console.api_client import ApiError, Detail
from app.console.page import page_path, redirect, render_page
from app.console.security import ForeignRequestError
from app.console.visit import (
    AnyRequest,
    ComesBackError,
    NoSuchPageError,
    SignInNeededError,
    find_texts,
    get_console,
)
from app.database.availability import UnavailableError
from app.locales.catalogues import DEFAULT

INTERNAL_ERROR, UNAVAILABLE = 500, 503
VALIDATION_ERROR, UNPROCESSABLE = "VALIDATION_ERROR", "UNPROCESSABLE"
log = structlog.get_logger(source="console")
# The form that was sent stays as it is, and the message stands above it.
KEEP_PAGE = {"HX-Retarget": "#alerts", "HX-Reselect": "#alerts", "HX-Push-Url": "false"}
# What the same request may not meet a moment later.
PASSING = frozenset({"CONFLICT", "TOO_MANY_REQUESTS", "INTERNAL_ERROR", "UNAVAILABLE"})
CODES = {
    400: VALIDATION_ERROR,
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    INTERNAL_ERROR: "INTERNAL_ERROR",
    UNAVAILABLE: "UNAVAILABLE",
}
# By code, as one status has several meanings; a code that is not here has the API's own words.
TITLES = {
    VALIDATION_ERROR: "The request is not valid",
    "FORBIDDEN": "You may not do this",
    "NOT_FOUND": "There is no such page",
    "METHOD_NOT_ALLOWED": "This method is not allowed here",
    "CONFLICT": "Another change is under way",
    "INTEGRATION_INACTIVE": "This connection is switched off now",
    "PRECONDITION_FAILED": "Somebody else has changed this since you saw it",
    "PAYLOAD_TOO_LARGE": "The body is too large",
    "UNSUPPORTED_MEDIA_TYPE": "The request is not valid",
    "TOO_MANY_REQUESTS": "Too many requests",
    "INTERNAL_ERROR": "Something went wrong on our side",
    "UNAVAILABLE": "The service is away for a moment",
    # Both are UNPROCESSABLE.
    "TOO_MANY_EVENTS": "There is too much to read",
    "SENT_BEFORE": "This form was sent before, with other values",
}
TEXTS = {"SENT_BEFORE": "It may be saved already: look before you send it again"}
OWN_TEXTS = {
    403: "Another site has sent this request, so nothing was changed",
    404: "Nothing is at this address, or it belongs to another workspace",
    500: "Nothing that was saved is lost; try it again",
    503: "Nothing that was saved is lost; try it again",
}


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong: a message above the page; `retry_after` in seconds if it passes.

    It `asks` if the form that stays below may be sent as it is.
    """

    status: int
    title: str
    text: str
    code: str = VALIDATION_ERROR
    details: tuple[Detail, ...] = ()
    retry_after: str | None = None
    request_id: str | None = None
    asks: bool = False

    @property
    def passes(self) -> bool:
        """Whether the same request may be taken a moment later."""
        return self.code in PASSING

    def wrong(self, *fields: str) -> tuple[Detail, ...]:
        """Return what is wrong with *fields*."""
        return tuple(each for each in self.details if each.field in fields)


def handle_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """Return the page, or the way to it, that says what *error* means."""
    ensure_texts(request)
    if isinstance(error, SignInNeededError):
        lost = "1" if request.method == "POST" else None
        return redirect(page_path(request, "sign-in"), {"next": error.next, "lost": lost})
    if isinstance(error, ComesBackError):
        return render_page(request, "again.html")
    problem = problem_of(request, error)
    if problem.status == INTERNAL_ERROR and not isinstance(error, ApiError):
        log.error("unexpected error", request_id=problem.request_id, exc_info=error)
    return render_problem(request, problem)


def ensure_texts(request: AnyRequest) -> None:
    """Find the language of a path that is no page."""
    scope: Any = request.scope
    if scope.get("auth") is None:
        console = get_console(request)
        locale = request.url.path.removeprefix("/console/").partition("/")[0]
        scope["auth"] = find_texts(console, locale) or find_texts(console, DEFAULT)


def render_problem(request: AnyRequest, problem: Problem) -> Response[str]:
    """Return the page that shows nothing but *problem*."""
    headers = KEEP_PAGE if problem.passes else {}
    return render_page(request, "problem.html", problem.status, headers, problem=problem)


def problem_of(request: AnyRequest, error: Exception) -> Problem:
    """Return what *error* means for a person."""
    if isinstance(error, ApiError):
        return api_problem(request, error)
    status = status_of(error)
    scope: Any = request.scope
    title = TITLES[CODES[status]]
    return Problem(
        status=status,
        code=CODES[status],
        title=request.auth.text(title),
        text=request.auth.text(OWN_TEXTS.get(status, title)),
        retry_after="1" if status == UNAVAILABLE else None,
        request_id=scope.get("integrations_request_id") if status == INTERNAL_ERROR else None,
    )


def status_of(error: Exception) -> int:
    """Return the status of an *error* that is not the API's."""
    if isinstance(error, ForeignRequestError):
        return 403
    if isinstance(error, UnavailableError):
        return UNAVAILABLE
    if isinstance(error, HTTPException) and error.status_code < INTERNAL_ERROR:
        return error.status_code if error.status_code in CODES else 404
    return 404 if isinstance(error, NoSuchPageError) else INTERNAL_ERROR


def code_of(error: ApiError) -> str:
    """Return the code of *error*, or of what it is about if that has a title of its own."""
    details = [each.code for each in error.result.details if each.code in TITLES]
    if error.result.error == UNPROCESSABLE and not error.result.details:
        return "SENT_BEFORE"
    return details[0] if details else error.result.error


def api_problem(request: AnyRequest, error: ApiError) -> Problem:
    """Return what an *error* of the API means for a person."""
    code = code_of(error)
    title, text = TITLES.get(code), TEXTS.get(code)
    return Problem(
        status=error.status,
        code=code,
        title=request.auth.text(title) if title else error.result.message,
        text=request.auth.text(text) if text else error.result.message,
        details=error.result.details,
        retry_after=error.retry_after,
        request_id=error.result.request_id,
    )
