"""The list: all connections of the workspace by channel, to search, switch and check."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, Response, get, post
from msgspec import Struct
from msgspec.structs import replace

from app.console.api_client import ApiClient, ApiError, ApiRequest, Detail, Result
from app.console.filters import load_filtered, page_number
from app.console.flash import Flash, carry_flash
from app.console.form_body import read_form
from app.console.page import page_path, redirect, render_page
from app.console.pages.checks import Check, check_flash, load_checks
from app.console.problems import KEEP_PAGE, Problem, api_problem
from app.console.resources import (
    ChannelDefault,
    Integration,
    IntegrationType,
    StoredCredentials,
)
from app.console.visit import PageRequest, get_console, lasting_parameters, open_visit
from app.identifiers import is_integration_id

CHANNELS = {"EMAIL": "Email", "SMS": "SMS", "PUSH": "Push"}
PAGE_SIZE = 25
REFUSALS = frozenset({400})  # the page says so, and its form stays
INCONCLUSIVE, DELETED = "inconclusive", "deleted"
DEFAULT_OF_CHANNEL = "DEFAULT_OF_CHANNEL"
DEFAULT_OFF = (
    "It is the default of {channel}. What is sent by the default of {channel} is not sent until it"
    " is on again, or another is chosen."
)
SORTS = {
    "": "Oldest first",
    "-createdAt": "Newest first",
    "name": "By name",
    "-updatedAt": "Last changed first",
}
FILTERS = ("q", "channel", "type", "isActive")


class Section(Struct, frozen=True):
    """The connections of a channel on this page; `count` are those on all pages."""

    channel: str
    name: str
    count: int
    integrations: Sequence[Integration]


class IntegrationsPage(Controller):
    """The connections of the workspace."""

    path = "/console/{locale:str}/integrations"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest) -> Response[Any]:
        """Show the connections that the address selects; a whole id leads to its connection."""
        words = request.query_params.get("q", "").strip()
        if is_integration_id(words):
            with suppress(ApiError):  # the list says what is wrong
                await request.user.api.get(Integration, f"integration/{words}")
                return redirect(page_path(request, "integrations", words))
        return await render_list(request)

    @post(status_code=200)
    async def change(self, request: PageRequest) -> Response[Any]:
        """Switch a connection on or off, or check it."""
        form = await read_form(request)
        try:
            flash = await switch_or_check(request, form)
        except ApiError as error:
            return await render_list(request, api_problem(request, error))
        query = urlencode(lasting_parameters(request))
        return carry_flash(request, request.url.path, flash, query)


async def switch_or_check(request: PageRequest, form: Mapping[str, str]) -> Flash:
    """Do what a button asks for; return what to say of it."""
    api = request.user.api
    path, key = f"integration/{form.get('integration', '')}", form.get("_key", "")
    headers = {"Idempotency-Key": key} if key else {}
    found = await api.get(Integration, path)
    if "check" in form:
        checking = ApiRequest(method="POST", path=f"{path}/check", headers=headers)
        check = (await api.send(Check, checking)).data
        if check.outcome == INCONCLUSIVE and await find_incomplete(request, [found.data]):
            return Flash("unchecked", name=found.data.name)
        type_ = (await load_types(request)).get(found.data.type)
        return check_flash(request.auth, found.data, check, type_)
    active = form.get("isActive") == "true"
    body = {"isActive": active}
    switched = await api.send(
        Integration, ApiRequest(method="POST", path=f"{path}/toggle", body=body, headers=headers)
    )
    done = "on" if active else "off"
    word = done if switched.changes(found.etag) else f"same_{done}"
    warnings = own_words(request, found.data.channel, switched.warnings)
    return Flash(word, warnings, name=found.data.name)


def own_words(request: PageRequest, channel: str, warnings: Sequence[Detail]) -> tuple[Detail, ...]:
    """Return *warnings*, that of a default off in words about messages of its *channel*."""
    message = request.auth.text(DEFAULT_OFF, channel=request.auth.text(CHANNELS[channel]))
    return tuple(
        replace(each, message=message) if each.code == DEFAULT_OF_CHANNEL else each
        for each in warnings
    )


async def render_list(request: PageRequest, problem: Problem | None = None) -> Response[str]:
    """Return the page of the list, with *problem* above it if there is one."""
    api = request.user.api
    query = {name: request.query_params.get(name) or None for name in (*FILTERS, "sort", "page")}
    filters = {name: query[name] for name in FILTERS}
    types, defaults = await asyncio.gather(load_types(request), load_defaults(api))
    page, refusal = await load_filtered(
        request, list[Integration], "integration", {**query, "limit": str(PAGE_SIZE)}, REFUSALS
    )
    problem = refusal or problem
    counts: Mapping[str, int] = {} if refusal else await count_by_channel(api, filters, page)
    found = page.data
    checks, incomplete = await asyncio.gather(
        load_checks(api, [each.id for each in found]), find_incomplete(request, found)
    )
    return render_page(
        request,
        "integrations.html",
        problem.status if problem else 200,
        KEEP_PAGE if request.method == "POST" else {},
        problem=problem,
        channels={key: request.auth.text(name) for key, name in CHANNELS.items()},
        checks=checks,
        defaults={each.integration_id for each in defaults},
        filtered=any(filters.values()),
        incomplete=incomplete,
        lost=[
            request.auth.text(CHANNELS[each.channel]) for each in defaults if each.state == DELETED
        ],
        number=page_number(request),
        pages=-(-page.total_count // PAGE_SIZE),
        query=query,
        sections=group_by_channel(request, found, counts),
        shown=len(found),
        sorts={key: request.auth.text(name) for key, name in SORTS.items()},
        total=page.total_count,
        types=types,
    )


def group_by_channel(
    request: PageRequest, integrations: Sequence[Integration], counts: Mapping[str, int]
) -> list[Section]:
    """Return *integrations* by channel, each with how many of it there are."""
    return [
        Section(
            channel,
            request.auth.text(name),
            counts.get(channel, 0),
            [each for each in integrations if each.channel == channel],
        )
        for channel, name in CHANNELS.items()
    ]


async def load_types(request: PageRequest) -> Mapping[str, IntegrationType]:
    """Return the catalogue of providers, which stays the same while the service runs."""
    known, tag = get_console(request).providers, request.auth.tag
    if tag not in known or not request.user.can("integrations:view"):
        found = (await request.user.api.get(list[IntegrationType], "integration-types")).data
        known[tag] = {each.type: each for each in found}
    return known[tag]


async def load_defaults(api: ApiClient, as_of: str | None = None) -> list[ChannelDefault]:
    """Return the default of each channel that has one, now or *as_of* a moment."""
    return (await api.get(list[ChannelDefault], "integration-defaults", {"asOf": as_of})).data


async def find_incomplete(request: PageRequest, integrations: Sequence[Integration]) -> set[str]:
    """Return the ids of those of *integrations* that lack what their provider requires."""
    if not integrations:
        return set()
    api, types = request.user.api, await load_types(request)
    query = {"integrationIds": ",".join(each.id for each in integrations)}
    found = (await api.get(list[StoredCredentials], "integration-credentials", query)).data
    stored = {each.integration_id: each.fields for each in found}
    return {
        each.id
        for each in integrations
        if each.type in types and types[each.type].missing(each, stored.get(each.id, ()))
    }


async def count_by_channel(
    api: ApiClient, filters: Mapping[str, str | None], page: Result[list[Integration]]
) -> Mapping[str, int]:
    """Return how many connections of each channel *filters* select, of which *page* shows some."""
    shown = Counter(each.channel for each in page.data)
    if page.total_count == len(page.data):
        return shown
    if filters["channel"]:
        return {filters["channel"]: page.total_count}

    async def count(channel: str) -> int:
        query = {**filters, "channel": channel, "limit": "1"}
        return (await api.get(list[Integration], "integration", query)).total_count

    last, *others = reversed(CHANNELS)
    counts = dict(zip(others, await asyncio.gather(*map(count, others)), strict=True))
    return {**counts, last: max(shown[last], page.total_count - sum(counts.values()))}
