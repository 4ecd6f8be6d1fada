"""The history: who did what and when, with the proof of each entry."""

from collections.abc import Sequence
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from litestar import Controller, Response, get
from msgspec import Struct

from app.console.actor_filter import choices_of, find_person, load_newest, unknown_person
from app.console.api_client import ApiError
from app.console.filters import load_filtered, page_number
from app.console.page import render_page
from app.console.pages.changes import ACTIONS, OF_CHANNELS, load_words
from app.console.pages.subject import AUDIT, load_subject
from app.console.problems import Problem, api_problem, render_problem
from app.console.resources import HistoryEntry, Proofs
from app.console.visit import PageRequest, open_visit

PAGE_SIZE = 20  # as many as one request proves
FILTERS = ("action", "userId", "startDate", "endDate")
NOT_FOUND, BROKEN = 404, 500
REFUSALS = frozenset({400, 429})  # the page says so, and its form stays
REFUSED_ENTRIES = REFUSALS | {BROKEN}
T = TypeVar("T", bound="Dated")


class Dated(Protocol):
    """What has a time."""

    @property
    def created_at(self) -> str:
        """The time, as the API shows it."""
        ...


class Day(Struct, Generic[T], frozen=True):
    """The entries of one day, in UTC."""

    name: str
    entries: Sequence[T]


class HistoryPages(Controller):
    """The history of the workspace and that of one connection."""

    path = "/console/{locale:str}"
    before_request = open_visit
    include_in_schema = False

    @get("/history")
    async def show_all(self, request: PageRequest) -> Response[str]:
        """Show what was done in the workspace."""
        return await render_history(request, None)

    @get("/integrations/{integration:str}/history")
    async def show_one(self, request: PageRequest) -> Response[str]:
        """Show what was done to one connection, which may be deleted."""
        return await render_history(request, request.path_params["integration"])


async def render_history(request: PageRequest, integration: str | None) -> Response[str]:
    """Return the page of the history that the address selects."""
    if not request.user.can(AUDIT):
        return render_lacking(request, AUDIT)
    query = {name: request.query_params.get(name) or None for name in (*FILTERS, "page")}
    path = f"integration/{integration}/history" if integration else "history-log"
    newest = await load_newest(request.user.api, HistoryEntry, path)
    people = choices_of(entry.performed_by for entry in newest)
    query["userId"] = person = find_person(people, query["userId"])
    query["limit"] = str(PAGE_SIZE)
    found, problem = await load_filtered(request, list[HistoryEntry], path, query, REFUSED_ENTRIES)
    if person and person not in people and not found.total_count:
        problem = problem or unknown_person(request, "userId")
    proofs, unproved = await prove(request, [entry.position for entry in found.data])
    if problem and problem.status == BROKEN:  # an event cannot be read: somebody has damaged it
        proofs = None
    words = await load_words(request, found.data)
    page, pages = page_number(request), -(-found.total_count // PAGE_SIZE)
    return render_page(
        request,
        "history.html",
        problem.status if problem else 200,
        problem=problem or unproved,
        actions=action_names(request, of_one=integration is not None),
        days=group_by_day(request, found.data),
        filters={name: query[name] or "" for name in FILTERS},
        subject=integration and await load_subject(request, integration),
        newer=min(page - 1, pages),
        older=page + 1 if page < pages else 0,
        people=people,
        proofs=proofs,
        total=found.total_count,
        words=words,
    )


def action_names(request: PageRequest, *, of_one: bool) -> dict[str, str]:
    """Return the actions of the workspace, or those *of_one* integration, in words."""
    return {
        key: request.auth.text(name)
        for key, name in ACTIONS.items()
        if not of_one or key not in OF_CHANNELS
    }


def group_by_day(request: PageRequest, entries: Sequence[T]) -> list[Day[T]]:
    """Return *entries* by the day of each, in their order."""
    days = groupby(entries, key=lambda entry: request.auth.day(entry.created_at))
    return [Day(name, [*of_day]) for name, of_day in days]


async def prove(
    request: PageRequest, positions: Sequence[int]
) -> tuple[Proofs | None, Problem | None]:
    """Return what the service can prove of the events at *positions*; why, if it cannot at all."""
    if not positions:
        return Proofs(), None
    query = {"positions": ",".join(map(str, positions))}
    try:
        found = await request.user.api.get(Proofs, "audit/proof/inclusions", query)
    except ApiError as error:
        if error.status == NOT_FOUND:  # nothing of the workspace is signed yet
            return Proofs(not_signed=tuple(positions)), None
        if error.status != BROKEN:
            raise
        return None, api_problem(request, error)
    return found.data, None


def render_lacking(request: PageRequest, permission: str) -> Response[str]:
    """Return the page that names the *permission* which another page needs."""
    problem = Problem(
        status=403,
        title=request.auth.text("You may not see this"),
        text=request.auth.text(
            "Needs the permission {permission}: ask an administrator of this workspace",
            permission=permission,
        ),
    )
    return render_problem(request, problem)
