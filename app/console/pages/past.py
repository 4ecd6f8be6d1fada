"""The past: the connections as they were at a time, or up to a position of the log."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Controller, Response, get
from litestar.params import FromPath
from msgspec import Struct

from app.console.api_client import ApiClient, ApiError
from app.console.filters import filter_problem, page_number
from app.console.page import render_page
from app.console.pages.changes import NOTHING, Words
from app.console.pages.integrations import CHANNELS, load_defaults, load_types
from app.console.pages.point_in_time import Moment, mark_future, read_moment
from app.console.pages.subject import NOT_FOUND, Subject, load_subject
from app.console.problems import Problem
from app.console.resources import Integration
from app.console.texts import Texts
from app.console.visit import PageRequest, open_visit

PAGE_SIZE = 25
# The API cannot show this moment, or not now: the page says so, and asks for another one.
REFUSALS = frozenset({400, 422, 429})


class Card(Struct, frozen=True):
    """A connection as it was, and what has become of it."""

    integration: Integration
    differences: Sequence[str]


class Section(Struct, frozen=True):
    """The connections that a channel had."""

    channel: str
    name: str
    count: int
    cards: Sequence[Card]


class Fact(Struct, frozen=True):
    """A field then and now."""

    field: str
    then: str
    now: str


class PastPages(Controller):
    """The connections of the workspace, and one of them, as they were; nothing can be changed."""

    path = "/console/{locale:str}"
    before_request = open_visit
    include_in_schema = False

    @get("/past")
    async def show_all(self, request: PageRequest) -> Response[str]:
        """Show all connections as they were."""
        moment = read_moment(request)
        try:
            return await render_list(request, moment)
        except ApiError as error:
            return render_past(request, moment, None, refusal(request, error))

    @get("/integrations/{integration:str}/past")
    async def show_one(self, request: PageRequest, integration: FromPath[str]) -> Response[str]:
        """Show one connection as it was, also if it is deleted now."""
        moment = read_moment(request)
        try:
            return await render_one(request, moment, integration)
        except ApiError as error:
            problem = refusal(request, error)
            return render_past(request, moment, await load_subject(request, integration), problem)


def refusal(request: PageRequest, error: ApiError) -> Problem:
    """Return what to say above the page; raise *error* if there can be no page."""
    if error.status not in REFUSALS:
        raise error
    return filter_problem(request, error)


async def find(api: ApiClient, integration: str, as_of: str | None) -> Integration | None:
    """Return *integration* at *as_of*, or now; None if it is not there then."""
    try:
        return (await api.get(Integration, f"integration/{integration}", {"asOf": as_of})).data
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise


async def render_one(
    request: PageRequest, moment: Moment | None, integration: str
) -> Response[str]:
    """Return the page of *integration* at *moment*, each field then and now."""
    api = request.user.api
    then = moment and await find(api, integration, moment.as_of)
    moment = moment and await mark_future(request, moment)
    if then is None:
        return render_past(request, moment, await load_subject(request, integration))
    now = await find(api, integration, None)
    subject = Subject(then.id, then.name, now is not None)
    return render_past(request, moment, subject, facts=await compare(request, then, now))


async def render_list(request: PageRequest, moment: Moment | None) -> Response[str]:
    """Return the page of all connections at *moment*, with what has become of each."""
    if moment is None:
        return render_past(request, None, None)
    api = request.user.api
    then = (await api.get(list[Integration], "integration", {"asOf": moment.as_of})).data
    moment = await mark_future(request, moment)
    now = {each.id: each for each in (await api.get(list[Integration], "integration")).data}
    page, pages = page_number(request), -(-len(then) // PAGE_SIZE)
    shown = then[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return render_past(
        request,
        moment,
        None,
        added=len(now.keys() - {each.id for each in then}),
        beyond=page > pages > 0,
        following=page + 1 if page < pages else 0,
        previous=min(page - 1, pages),
        sections=group_by_channel(request.auth, then, shown, now),
        defaults={each.integration_id for each in await load_defaults(api, moment.as_of)},
        total=len(then),
        types=await load_types(request),
    )


def group_by_channel(
    texts: Texts,
    then: Sequence[Integration],
    shown: Sequence[Integration],
    now: Mapping[str, Integration],
) -> list[Section]:
    """Return those *shown* of the connections *then* by channel, with what they have become."""
    return [
        Section(
            channel,
            texts.text(name),
            sum(each.channel == channel for each in then),
            [
                Card(each, differences(texts, each, now.get(each.id)))
                for each in shown
                if each.channel == channel
            ],
        )
        for channel, name in CHANNELS.items()
    ]


def differences(texts: Texts, then: Integration, now: Integration | None) -> list[str]:
    """Return what has become of a connection *then*, in words; nothing if it is as it was."""
    if now is None:
        return [texts.text("Deleted since")]
    found: list[str] = []
    if now.is_active is not then.is_active:
        found.append(texts.text("Switched on since" if now.is_active else "Switched off since"))
    if now.values != then.values:
        found.append(texts.text("Changed since"))
    return found


async def compare(request: PageRequest, then: Integration, now: Integration | None) -> list[Fact]:
    """Return each field of a connection *then* and *now*."""
    words = Words(request.auth, await load_types(request), {})
    before = values_of(then)
    after: Mapping[str, object] = values_of(now) if now else {}
    return [
        Fact(
            words.field(name, then.type),
            words.value(name, before.get(name)),
            words.value(name, after.get(name)) if now else NOTHING,
        )
        for name in {**before, **after}
    ]


def values_of(integration: Integration) -> Mapping[str, object]:
    """Return all fields of *integration* by their names in the API."""
    return {
        "name": integration.name,
        "isActive": integration.is_active,
        "type": integration.type,
        "channel": integration.channel,
        **integration.values,
    }


def render_past(
    request: PageRequest,
    moment: Moment | None,
    subject: Subject | None,
    problem: Problem | None = None,
    **values: object,
) -> Response[str]:
    """Return the page of *moment*, of *subject* or of all; with *problem* if it cannot be shown."""
    shown: dict[str, Any] = {
        "added": 0,
        "beyond": False,
        "facts": [],
        "following": 0,
        "moment": moment,
        "previous": 0,
        "problem": problem,
        "sections": [],
        "subject": subject,
        "total": 0,
        "types": {},
        **values,
    }
    return render_page(request, "past.html", problem.status if problem else 200, **shown)
