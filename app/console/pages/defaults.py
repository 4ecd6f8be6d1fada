"""The defaults: which connection workers of each channel get that ask for the channel."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Controller, Response, get, post
from msgspec import Struct

from app.console.api_client import ApiError, ApiRequest
from app.console.confirmations import repeat_headers
from app.console.flash import Flash, carry_flash
from app.console.form_body import read_form
from app.console.forms import Refusal, next_key
from app.console.page import render_page
from app.console.pages.changes import load_names
from app.console.pages.checks import load_checks
from app.console.pages.integrations import (
    CHANNELS,
    INCONCLUSIVE,
    find_incomplete,
    load_defaults,
    load_types,
)
from app.console.problems import KEEP_PAGE, Problem, api_problem
from app.console.resources import ChannelDefault, Integration
from app.console.visit import NoSuchPageError, PageRequest, open_visit

MAX_CHOICES = 200  # as many as a page of the API has, and as one request looks up
PRECONDITION_FAILED = 412
INACTIVE = "INTEGRATION_INACTIVE"


class ChannelChoice(Struct, frozen=True, kw_only=True):
    """A channel: its default, if it has one, and the connections that can be it."""

    channel: str
    name: str
    key: str
    chosen: ChannelDefault | None
    active: Sequence[Integration]
    total: int

    def uses(self, integration: Integration) -> bool:
        """Return whether *integration* is the default of the channel."""
        return self.chosen is not None and self.chosen.integration_id == integration.id

    def label(self, integration: Integration) -> str:
        """Return the name of *integration*, with its sender and, if others are alike, its id."""
        label, alike = named_with_sender(integration), map(named_with_sender, self.active)
        return label if [*alike].count(label) == 1 else f"{label} · …{integration.id[-6:]}"


def named_with_sender(integration: Integration) -> str:
    """Return the name of *integration* with the address or number that it sends from."""
    sender = integration.sender_email or integration.sender_phone
    return f"{integration.name} · {sender}" if sender else integration.name


class DefaultsPage(Controller):
    """The default of each channel."""

    path = "/console/{locale:str}/defaults"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest) -> Response[str]:
        """Show the default of each channel."""
        return await render_defaults(request)

    @post(status_code=200)
    async def change(self, request: PageRequest) -> Response[Any]:
        """Choose the default of a channel, or clear it."""
        form = await read_form(request)
        try:
            flash = await choose_or_clear(request, form)
        except ApiError as error:
            return await render_defaults(request, Refusal(form, error))
        return carry_flash(request, request.url.path, flash)


async def choose_or_clear(request: PageRequest, form: Mapping[str, str]) -> Flash:
    """Do what a button asks for; return what to say of it."""
    api = request.user.api
    channel, version = form.get("channel", ""), form.get("_version", "")
    if channel not in CHANNELS:
        raise NoSuchPageError
    headers = {**repeat_headers(form), **({"If-Match": f'"{version}"'} if version else {})}
    path = f"integration-defaults/{channel}"
    if "clear" in form:
        await api.send(object, ApiRequest(method="DELETE", path=path, headers=headers))
        return Flash("cleared", name=request.auth.text(CHANNELS[channel]))
    body = {"integrationId": form.get("integration", "")}
    await api.send(object, ApiRequest(method="PUT", path=path, body=body, headers=headers))
    chosen = await api.get(Integration, f"integration/{body['integrationId']}")
    return Flash(await word_of_choice(request, chosen.data), name=chosen.data.name)


async def render_defaults(request: PageRequest, refusal: Refusal | None = None) -> Response[str]:
    """Return the page, with what was refused above it."""
    api = request.user.api
    chosen = {each.channel: each for each in await load_defaults(api)}
    problem = refusal_problem(request, refusal.error) if refusal else None
    keeps = problem is not None and problem.passes

    async def load_choice(channel: str) -> ChannelChoice:
        query = {"channel": channel, "isActive": "true", "sort": "name", "limit": str(MAX_CHOICES)}
        found = await api.get(list[Integration], "integration", query)
        repeated = refusal if refusal and refusal.values.get("channel") == channel else None
        return ChannelChoice(
            channel=channel,
            name=request.auth.text(CHANNELS[channel]),
            key=next_key(repeated if keeps else None),
            chosen=chosen.get(channel),
            active=found.data,
            total=found.total_count,
        )

    choices = await asyncio.gather(*map(load_choice, CHANNELS))
    active = [each for choice in choices for each in choice.active]
    names = {each.id: each.name for each in active}
    others = [each.integration_id for each in chosen.values() if each.integration_id not in names]
    return render_page(
        request,
        "defaults.html",
        problem.status if problem else 200,
        KEEP_PAGE if keeps else {},
        problem=problem,
        choices=choices,
        **await load_states(request, active),
        names={**names, **await load_names(request, others)},
    )


async def load_states(request: PageRequest, integrations: Sequence[Integration]) -> dict[str, Any]:
    """Return what the page shows of the keys of *integrations*, and of their newest checks."""
    batches = [
        integrations[start : start + MAX_CHOICES]
        for start in range(0, len(integrations), MAX_CHOICES)
    ]
    checks = [await load_checks(request.user.api, [each.id for each in some]) for some in batches]
    incomplete = [await find_incomplete(request, some) for some in batches]
    return {
        "checks": {found: check for some in checks for found, check in some.items()},
        "incomplete": {each for some in incomplete for each in some},
        "types": await load_types(request),
    }


async def word_of_choice(request: PageRequest, integration: Integration) -> str:
    """Return the word of `DONE` for a default that is chosen: whether it is known to fail."""
    if await find_incomplete(request, [integration]):
        return "default_missing"
    check = (await load_checks(request.user.api, [integration.id])).get(integration.id)
    fails = check and check.is_current and check.outcome not in {"ok", INCONCLUSIVE}
    return "default_failed" if fails else "default"


def refusal_problem(request: PageRequest, error: ApiError) -> Problem:
    """Return what an *error* means for a person who chooses."""
    problem, text = api_problem(request, error), request.auth.text
    if error.status == PRECONDITION_FAILED:
        return Problem(
            status=error.status,
            title=text("Somebody has changed this default since you saw it"),
            text=text("What is chosen now stands below. Choose again if you still want another."),
        )
    if error.result.error == INACTIVE:
        return Problem(
            status=error.status,
            title=text("This connection is switched off now"),
            text=text("Only a connection that is on can be a default."),
        )
    return problem
