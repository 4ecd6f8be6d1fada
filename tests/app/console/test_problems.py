"""What each error of the API is called on a page: never something that it is not."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.console.api_client import ApiError, Detail, ErrorResult
from app.console.filters import filter_problem
from app.console.problems import CODES, TITLES, Problem, api_problem
from app.console.texts import Texts
from app.http.problems import FRAMEWORK_PROBLEMS, PROBLEMS
from app.locales.catalogues import load_catalogues

TEXTS = Texts(load_catalogues().english, "en", datetime.now(UTC))
REQUEST = cast("Any", SimpleNamespace(auth=TEXTS))
SENT = "This form was sent before, with other values"
# By status and code of the API; None is what the API itself says.
EXPECTED: Mapping[tuple[int, str], str | None] = {
    (400, "VALIDATION_ERROR"): "The request is not valid",
    (401, "UNAUTHORIZED"): None,
    (403, "FORBIDDEN"): "You may not do this",
    (403, "RECIPIENT_REQUIRED"): None,
    (404, "NOT_FOUND"): "There is no such page",
    (405, "METHOD_NOT_ALLOWED"): "This method is not allowed here",
    (409, "CONFLICT"): "Another change is under way",
    (409, "INTEGRATION_INACTIVE"): "This connection is switched off now",
    (409, "NO_DEFAULT"): None,
    (409, "DEFAULT_INACTIVE"): None,
    (412, "PRECONDITION_FAILED"): "Somebody else has changed this since you saw it",
    (413, "PAYLOAD_TOO_LARGE"): "The body is too large",
    (415, "UNSUPPORTED_MEDIA_TYPE"): "The request is not valid",
    (422, "UNPROCESSABLE"): SENT,
    (429, "TOO_MANY_REQUESTS"): "Too many requests",
    (500, "INTERNAL_ERROR"): "Something went wrong on our side",
    (503, "UNAVAILABLE"): "The service is away for a moment",
}
PASSING = {"CONFLICT", "TOO_MANY_REQUESTS", "INTERNAL_ERROR", "UNAVAILABLE"}
# What is wrong in detail, by the code of the error; None: as without it.
DETAILED: list[tuple[int, str, str, str | None]] = [
    (400, "VALIDATION_ERROR", "CHANNEL_MISMATCH", "The request is not valid"),
    (422, "UNPROCESSABLE", "TOO_MANY_EVENTS", "There is too much to read"),
    (422, "UNPROCESSABLE", "LOOKS_LIKE_PROVIDER_KEY", None),
]


def problem(status: int, error: str, *details: Detail) -> Problem:
    """Return what a page says of an *error* of the API."""
    return api_problem(REQUEST, ApiError(status, ErrorResult(error, "Theirs", "id", details), None))


def known_errors() -> set[tuple[int, str]]:
    """Return status and code of each error that the API answers with."""
    return {
        (each.status, each.error) for each in (*PROBLEMS.values(), *FRAMEWORK_PROBLEMS.values())
    }


def test_each_error_of_the_api_has_its_title() -> None:
    errors = known_errors() | {(500, "INTERNAL_ERROR")}

    titles = {each: problem(*each).title for each in errors}
    assert titles == {each: title or "Theirs" for each, title in EXPECTED.items()}


def test_what_may_pass_is_known_by_its_code() -> None:
    assert {code for status, code in EXPECTED if problem(status, code).passes} == PASSING


@pytest.mark.parametrize(("status", "error", "code", "title"), DETAILED)
def test_an_error_is_called_by_what_it_is_about(
    status: int, error: str, code: str, title: str | None
) -> None:
    found = problem(status, error, Detail("asOf", code, "detail"))

    assert found.title == (title or "Theirs")


def test_our_own_refusals_have_titles() -> None:
    assert {code for code in CODES.values() if code not in TITLES} == set()


def test_a_filter_is_not_blamed_for_another_error() -> None:
    result = ErrorResult("UNPROCESSABLE", "Theirs", "id", (Detail("asOf", "TOO_MANY_EVENTS", "x"),))

    found = filter_problem(REQUEST, ApiError(422, result, None))

    assert [each.message for each in found.details] == ["x"]
