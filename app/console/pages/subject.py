"""The connection that a page of the past is about, which may be deleted."""

from msgspec import Struct

from app.console.api_client import ApiError
from app.console.pages.integrations import CHANNELS, load_types
from app.console.resources import HistoryEntry, Integration
from app.console.visit import PageRequest, Visit

NOT_FOUND = 404
MAX_QUERY = 120  # characters of a search
AUDIT = "audit:view"


class Kind(Struct, frozen=True):
    """What a connection is one of; `type` is the log's word for its provider."""

    type: str
    provider: str
    channel: str = ""


class Subject(Struct, frozen=True):
    """A connection, by its name now or its last one."""

    id: str
    name: str
    exists: bool
    kind: Kind | None = None
    last: HistoryEntry | None = None  # what was done to it last, if that is why it is gone


class DeletedError(Exception):
    """The connection was deleted, and who asks may know that: `subject` is what it was."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject


async def find_same_name(visit: Visit, integration: Integration) -> str:
    """Return the id of another connection with the name of *integration*; empty if none has it."""
    query = {"q": integration.name[:MAX_QUERY], "limit": "200"}
    try:
        found = (await visit.api.get(list[Integration], "integration", query)).data
    except ApiError:  # it is saved; what could be said of others can wait
        return ""
    name = integration.name.casefold()
    alike = (each.id for each in found if each.name.casefold() == name)
    return next((each for each in alike if each != integration.id), "")


async def load_subject(request: PageRequest, integration: str) -> Subject:
    """Return *integration*, also a deleted one if its history may be seen; else raise ApiError."""
    api = request.user.api
    try:
        found = (await api.get(Integration, f"integration/{integration}")).data
    except ApiError as error:
        if error.status != NOT_FOUND or not request.user.can(AUDIT):
            raise
        path, query = f"integration/{integration}/history", {"limit": "1"}
        [last] = (await api.get(list[HistoryEntry], path, query)).data
        was = last.details.changes.get("type")
        kind = await kind_of(request, str(was.before)) if was else None
        return Subject(integration, last.resource_name, exists=False, kind=kind, last=last)
    kind = await kind_of(request, found.type)
    return Subject(integration, found.name, exists=True, kind=kind)


async def kind_of(request: PageRequest, type_: str) -> Kind:
    """Return what the head of a page says of a connection of *type_*."""
    known = (await load_types(request)).get(type_)
    if known is None:
        return Kind(type_, type_)
    return Kind(type_, known.display_name, request.auth.text(CHANNELS[known.channel]))
