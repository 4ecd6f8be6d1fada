"""Reads what a form of a page holds; what no page sends is refused."""

from collections import Counter
from typing import Any

from litestar import Request

from app.console.api_client import ApiError, ErrorResult
from app.console.texts import Texts

FORM = "application/x-www-form-urlencoded"
# Our own refusals, as the API would word them.
UNSUPPORTED = 415, "UNSUPPORTED_MEDIA_TYPE"
REPEATED = 400, "VALIDATION_ERROR"


async def read_form(request: Request[Any, Texts, Any]) -> dict[str, str]:
    """Return what the form of *request* holds, line breaks as they were typed.

    Raises:
        ApiError: it is not sent as pages send forms: it may hold files, or a field twice.
    """
    kind, options = request.content_type
    is_known = kind.lower() == FORM and options.get("charset", "utf-8").lower() == "utf-8"
    if not is_known and await request.body():
        message = request.auth.text("A form must be sent as {type} in UTF-8", type=FORM)
        raise refusal(request, UNSUPPORTED, message)
    fields = [*(await request.form()).multi_items()]
    if any(number > 1 for number in Counter(name for name, _ in fields).values()):
        message = request.auth.text("A form must not hold a field twice")
        raise refusal(request, REPEATED, message)
    return {name: str(value).replace("\r\n", "\n") for name, value in fields}


def refusal(request: Request[Any, Texts, Any], kind: tuple[int, str], message: str) -> ApiError:
    """Return the error of *kind* for *request*."""
    scope: Any = request.scope
    status, code = kind
    request_id = scope.get("integrations_request_id") or ""
    return ApiError(status, ErrorResult(code, message, request_id), None)
