"""`Prefer: handling=strict` (RFC 7240): warnings become 422.

See docs/providers.md#warnings-and-strict-handling.
"""

import re

from msgspec.structs import replace

from app.http.errors import FieldFinding, WarningsRejectedError
from app.http.problems import PROBLEMS
from app.http.responses import RenderedResponse
from app.http.types import ApiRequest, list_header

APPLIED_HEADERS = PROBLEMS[WarningsRejectedError].headers
WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
QUOTED = r'"(?:[^"\\]|\\.)*+"'
MAX_HEADER_LENGTH = 1_000  # characters that are parsed; more would take too long
# Possessive (`+` after a quantifier): without backtracking, which could take too long.
# A preference with its value and parameters: `handling = "strict"; wait=5`.
PREFERENCE = re.compile(
    rf"\s*+({WORD})\s*+(?:=\s*+({WORD}|{QUOTED}))?+\s*+(?:;(?:[^\",]|{QUOTED})*+)?+(?:,|$)"
)


def prefers_strict(request: ApiRequest) -> bool:
    """Return whether *request* prefers strict handling; of several preferences the first counts."""
    header = (list_header(request, "prefer") or "")[:MAX_HEADER_LENGTH]
    values = (
        value.strip('"').lower()  # RFC 7240, 4.4: a literal of ABNF, in any case (RFC 5234, 2.3)
        for name, value in PREFERENCE.findall(header)
        if is_handling_preference(name)
    )
    return next(values, "") == "strict"


def is_handling_preference(name: str) -> bool:
    """Return whether *name* is `handling`, ignoring case."""
    return name.lower() == "handling"


def reject_warnings_if_strict(request: ApiRequest, warnings: list[FieldFinding]) -> None:
    """Raise WarningsRejectedError if there are *warnings* and strict handling is preferred."""
    if warnings and prefers_strict(request):
        raise WarningsRejectedError(warnings)


def add_preference_applied(request: ApiRequest, rendered: RenderedResponse) -> RenderedResponse:
    """Return *rendered* with `Preference-Applied` if strict handling was applied."""
    if not prefers_strict(request):
        return rendered
    return replace(rendered, headers={**rendered.headers, **APPLIED_HEADERS})
