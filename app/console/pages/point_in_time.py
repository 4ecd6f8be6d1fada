"""The moment that a page of the past is of: a time, or a position of the log."""

from datetime import UTC, datetime, time

from msgspec import Struct
from msgspec.structs import replace

from app.console.api_client import ApiError
from app.console.visit import PageRequest

DATE_LENGTH = len("2026-11-29")
BEYOND_HEAD = "BEYOND_HEAD"
TIME_FIELD = "%Y-%m-%dT%H:%M:%S"


class Moment(Struct, frozen=True):
    """When the page is of: in the address, in words, and as the field for a time has it.

    What is yet to come shows what is now.
    """

    as_of: str
    name: str
    field: str = ""
    is_future: bool = False

    @property
    def is_position(self) -> bool:
        """Whether it is a position of the log."""
        return self.as_of.isdecimal()


class FeedChange(Struct, frozen=True):
    """A change of the feed: its position, and when it was."""

    id: str
    time: str


async def mark_future(request: PageRequest, moment: Moment) -> Moment:
    """Return *moment*, marked if it is a position that the log has not come to; else its time."""
    if not moment.is_position:
        return moment
    query = {"after": moment.as_of, "limit": "1"}
    try:
        await request.user.api.get(object, "integration-changes", query)
    except ApiError as error:
        beyond = any(each.code == BEYOND_HEAD for each in error.result.details)
        return replace(moment, is_future=beyond)
    before = {"after": str(max(int(moment.as_of) - 1, 0)), "limit": "1"}
    changes = await request.user.api.get(list[FeedChange], "integration-changes", before)
    at = [each.time for each in changes.data if each.id == str(int(moment.as_of))]
    return replace(moment, name=f"{request.auth.exact(at[0])}, {moment.name}") if at else moment


def read_moment(request: PageRequest) -> Moment | None:
    """Return the moment that the address names; None if it names none."""
    given = [value for value in request.query_params.getall("asOf", []) if value]
    if not given:
        return None
    as_of, texts = given[0], request.auth
    if as_of.isdecimal():
        return Moment(as_of, texts.text("position {position} of the log", position=as_of))
    at = parse_moment(as_of)
    if at is None:
        return Moment(as_of, "")
    return Moment(as_of, texts.exact(at.isoformat()), at.strftime(TIME_FIELD), at > texts.now)


def parse_moment(as_of: str) -> datetime | None:
    """Return the time that *as_of* means to the API, None if that will refuse it."""
    try:
        at = datetime.fromisoformat(as_of.replace(" ", "+"))
    except ValueError:
        return None
    if len(as_of) == DATE_LENGTH:
        at = datetime.combine(at, time.max)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
