"""What is wrong with the parameters that select what a page shows, in the words of the page."""

from collections.abc import Container
from typing import TypeVar

from msgspec.structs import replace

from app.console.api_client import ApiError, Query, Result
from app.console.problems import VALIDATION_ERROR, Problem, api_problem
from app.console.visit import AnyRequest, PageRequest

T = TypeVar("T")
DAY = "Give a day, such as {example}"
EXAMPLES = {"example": "2026-11-29"}
CHOICE = "Choose one of the list"
WORDS = "Give words to search for, of at most 120 characters"
ID = "Give an id of at most 255 characters"
NO_PAGE = "This page of the list is not there: begin with the first one"
MOMENT = "Give a day and time, or a position in the log"
NUMBER = "Give a number"
MAX_DIGITS = 9  # digits; no list has as many pages
FILTERS = {
    "startDate": DAY,
    "endDate": DAY,
    **dict.fromkeys(("action", "channel", "field", "isActive", "sort", "type"), CHOICE),
    "q": WORDS,
    "userId": ID,
    "actorId": ID,
    "credentialVersion": NUMBER,
    "cursor": NO_PAGE,
    "page": NO_PAGE,
    "asOf": MOMENT,
}


def page_number(request: AnyRequest) -> int:
    """Return which page the address asks for; the first if it does not say it."""
    typed = request.query_params.get("page", "")
    return max(1, int(typed)) if typed.isdecimal() and len(typed) <= MAX_DIGITS else 1


async def load_filtered(
    request: PageRequest, shape: type[list[T]], path: str, query: Query, refusals: Container[int]
) -> tuple[Result[list[T]], Problem | None]:
    """Return what *query* selects at *path*; nothing, and why, if the API gives one of *refusals*.

    Raises:
        ApiError: it refuses for another reason.
    """
    try:
        return await request.user.api.get(shape, path, query), None
    except ApiError as error:
        if error.status not in refusals:
            raise
        return Result([]), filter_problem(request, error)


def filter_problem(request: AnyRequest, error: ApiError) -> Problem:
    """Return what *error* means on a page whose address selects what it shows."""
    problem, text = api_problem(request, error), request.auth.text
    known = [each for each in problem.details if each.field in FILTERS]
    if error.result.error != VALIDATION_ERROR or not known:
        return problem
    title = text("Nothing was looked up: look at what is marked")
    details = tuple(
        replace(each, message=text(FILTERS[each.field or ""], **EXAMPLES)) for each in known
    )
    return replace(problem, title=title, text=title, details=details, request_id=None)
