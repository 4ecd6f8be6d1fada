"""Sends what a form changes: once, and no mistake without a question."""

from collections.abc import Mapping

from msgspec.structs import replace

from app.console.api_client import ApiError, ApiRequest, Detail, Result
from app.console.mistakes import LIKE_KEY, MISTAKES, most_telling
from app.console.problems import UNPROCESSABLE
from app.console.resources import Integration
from app.console.visit import PageRequest

AGREED = "_public."  # and a field: its value is meant though it looks like a mistake
AS_IT_IS = "_as_it_is"  # all values are


class QuestionError(ApiError):
    """The API warns of a mistake, and the form does not say that it is meant."""


async def send_change(
    request: PageRequest, change: ApiRequest, form: Mapping[str, str]
) -> Result[Integration]:
    """Send *change*, but ask first before what looks like a mistake is stored.

    Raises:
        QuestionError: a field holds what looks like a mistake, and *form* does not agree.
        ApiError: as the API.
    """
    strict = replace(change, headers={**change.headers, "Prefer": "handling=strict"})
    try:
        return await request.user.api.send(Integration, strict)
    except ApiError as error:
        if error.result.error != UNPROCESSABLE or not error.result.details:
            raise
        asked = tuple(
            in_words(request, each)
            for each in most_telling(error.result.details)
            if each.code in MISTAKES and f"{AGREED}{each.field}" not in form
        )
        if asked and AS_IT_IS not in form:
            result = replace(error.result, details=asked)
            raise QuestionError(error.status, result, None) from None
    return await request.user.api.send(Integration, change)


def in_words(request: PageRequest, detail: Detail) -> Detail:
    """Return *detail* with what to do about it."""
    if detail.code != LIKE_KEY:
        return detail
    message = request.auth.text(
        "This looks like a key, and everybody can read it here. If it is none, type it again"
    )
    return replace(detail, message=message)


def repeat_headers(form: Mapping[str, str]) -> dict[str, str]:
    """Return what makes the same form, sent twice, count once."""
    key = form.get("_key", "")
    return {"Idempotency-Key": key} if key else {}
