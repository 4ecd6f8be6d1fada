"""Times in the API: ISO 8601, read from query strings and written to responses, always UTC."""

import re
from datetime import UTC, datetime, time
from typing import Annotated

from litestar.params import Parameter
from msgspec import to_builtins

from app.http.field_rules import FieldError, FieldProblem, Rule
from app.views.as_of import PointInTime

# The + of an offset that was not escaped as %2B arrives as a space. Of the decimals that .NET, Java
# and Go write, datetime keeps six; the offset is also as `date +%z` writes it.
TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?P<clock>T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+ -]\d\d:?\d\d)?)?", re.ASCII
)
# With one digit more it is probably the milliseconds since 1970 of `Date.now()`.
POSITION = re.compile(r"[0-9]{1,12}")
MAX_POSITION = 10**12 - 1
INVALID_TIME = FieldProblem(
    "INVALID_TIME",
    "This must be an ISO 8601 date or time, such as 2025-02-20 or 2025-02-20T09:00:00Z",
)
INVALID_POINT_IN_TIME = FieldProblem(
    "INVALID_MOMENT",
    "This must be an ISO 8601 date or time, such as 2025-02-20 or 2025-02-20T09:00:00Z, or a"
    " position of at most 12 digits",
)
DATE_OR_TIME_SCHEMA = (
    {"type": "string", "format": "date"},
    {"type": "string", "format": "date-time"},
)
MILLISECONDS_LENGTH = len("2025-02-20T09:00:00.000")
Time = Annotated[
    str,
    Parameter(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        schema_extra={"format": "date-time"},  # which Litestar does not take from Meta
    ),
]


def parse_start(value: object) -> datetime:
    """Parse the start of a period; a date is its beginning, no offset is UTC."""
    return parse_time(str(value), time.min)


def parse_end(value: object) -> datetime:
    """Parse the end of a period; a date is its end, no offset is UTC."""
    return parse_time(str(value), time.max)


def parse_point_in_time(value: object) -> PointInTime:
    """Parse a position, which is all digits, or else a time, as `parse_end`."""
    if POSITION.fullmatch(str(value)):
        return int(str(value))
    try:
        return parse_end(value)
    except FieldError:
        raise FieldError(INVALID_POINT_IN_TIME) from None


def parse_time(text: str, time_of_day: time) -> datetime:
    """Parse a time; a date without one gets *time_of_day*. Raise FieldError if it is invalid."""
    match = TIME.fullmatch(text)
    try:
        parsed = datetime.fromisoformat(text.replace(" ", "+")) if match else None
        if parsed is None or match is None:
            raise FieldError(INVALID_TIME)
        exact = parsed if match["clock"] else datetime.combine(parsed, time_of_day)
        return exact.astimezone(UTC) if exact.tzinfo else exact.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # there is no such day, hour or offset; beyond the years
        raise FieldError(INVALID_TIME) from None


START = Rule(parse_start, {"anyOf": [*DATE_OR_TIME_SCHEMA]})
END = Rule(parse_end, {"anyOf": [*DATE_OR_TIME_SCHEMA]})
POINT_IN_TIME = Rule(
    parse_point_in_time,
    {"anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_POSITION}, *DATE_OR_TIME_SCHEMA]},
)


def format_timestamp(time: datetime) -> str:
    """Return *time*, which is UTC, in ISO 8601 with exactly three decimals and a Z.

    msgspec writes it, in a sixth of the time that `isoformat` takes: with six decimals, or none.
    """
    written: str = to_builtins(time)
    return written[:MILLISECONDS_LENGTH] + "Z" if "." in written else written[:-1] + ".000Z"
