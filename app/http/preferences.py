"""Strict handling: who prefers it has what is doubtful refused (contract, 1; RFC 7240)."""

import re

from msgspec.structs import replace

from app.http.errors import DoubtfulFieldsError, Found
from app.http.problems import STATUS
from app.http.responses import Rendered
from app.http.types import ApiRequest

APPLIED = STATUS[DoubtfulFieldsError].headers
WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
QUOTED = r'"(?:[^"\\]|\\.)*+"'
LONGEST = 1_000  # characters that are looked at; longer ones would take our time
# Possessive (`+` behind a quantifier): what was taken is not given back, which would take our time.
# A preference with its value, and what may stand behind it: `handling = "strict"; wait=5`.
PREFERENCE = re.compile(
    rf"\s*+({WORD})\s*+(?:=\s*+({WORD}|{QUOTED}))?+\s*+(?:;(?:[^\",]|{QUOTED})*+)?+(?:,|$)"
)


def is_strict(request: ApiRequest) -> bool:
    """Tell whether *request* prefers strict handling; of several preferences the first counts."""
    header = ",".join(request.headers.getall("prefer", []))[:LONGEST]
    values = (value.strip('"') for name, value in PREFERENCE.findall(header) if is_handling(name))
    return next(values, "") == "strict"


def is_handling(name: str) -> bool:
    """Tell whether *name* is that of the preference for handling; case does not matter."""
    return name.lower() == "handling"


def require_undoubted(request: ApiRequest, found: list[Found]) -> None:
    """Raise DoubtfulFieldsError where anything was *found* and strict handling is preferred."""
    if found and is_strict(request):
        raise DoubtfulFieldsError(found)


def with_preference(request: ApiRequest, rendered: Rendered) -> Rendered:
    """Return *rendered* with word that strict handling was applied, where it was."""
    if not is_strict(request):
        return rendered
    return replace(rendered, headers={**rendered.headers, **APPLIED})
