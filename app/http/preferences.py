"""Strict handling: who prefers it has what is doubtful refused (contract, 1; RFC 7240)."""

import re

from msgspec.structs import replace

from app.http.errors import FieldFinding, WarningsRejectedError
from app.http.problems import PROBLEMS
from app.http.responses import RenderedResponse
from app.http.types import ApiRequest

APPLIED_HEADERS = PROBLEMS[WarningsRejectedError].headers
WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
QUOTED = r'"(?:[^"\\]|\\.)*+"'
MAX_HEADER_LENGTH = 1_000  # characters that are looked at; longer ones would take our time
# Possessive (`+` behind a quantifier): what was taken is not given back, which would take our time.
# A preference with its value, and what may stand behind it: `handling = "strict"; wait=5`.
PREFERENCE = re.compile(
    rf"\s*+({WORD})\s*+(?:=\s*+({WORD}|{QUOTED}))?+\s*+(?:;(?:[^\",]|{QUOTED})*+)?+(?:,|$)"
)


def prefers_strict(request: ApiRequest) -> bool:
    """Tell whether *request* prefers strict handling; of several preferences the first counts."""
    header = ",".join(request.headers.getall("prefer", []))[:MAX_HEADER_LENGTH]
    values = (
        value.strip('"')
        for name, value in PREFERENCE.findall(header)
        if is_handling_preference(name)
    )
    return next(values, "") == "strict"


def is_handling_preference(name: str) -> bool:
    """Tell whether *name* is that of the preference for handling; case does not matter."""
    return name.lower() == "handling"


def reject_warnings_if_strict(request: ApiRequest, found: list[FieldFinding]) -> None:
    """Raise WarningsRejectedError where anything was *found* and strict handling is preferred."""
    if found and prefers_strict(request):
        raise WarningsRejectedError(found)


def add_preference_applied(request: ApiRequest, rendered: RenderedResponse) -> RenderedResponse:
    """Return *rendered* with word that strict handling was applied, where it was."""
    if not prefers_strict(request):
        return rendered
    return replace(rendered, headers={**rendered.headers, **APPLIED_HEADERS})
