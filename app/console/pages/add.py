"""Adding a connection: the provider first, then a form that its entry in the catalogue makes."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from app.console.api_client import ApiError, ApiRequest
from app.console.confirmations import repeat_headers, send_change
from app.console.flash import Flash, carry_flash
from app.console.form_body import read_form
from app.console.forms import (
    FormField,
    Refusal,
    Values,
    fill,
    given_values,
    mark_unsaved,
    name_field,
    next_key,
    provider_fields,
    render_refusal,
)
from app.console.page import page_path, render_page
from app.console.pages.integrations import CHANNELS, load_types
from app.console.pages.subject import find_same_name
from app.console.resources import IntegrationType
from app.console.visit import NoSuchPageError, PageRequest, open_visit

PURPOSES = {
    "EMAIL": "Campaigns and messages by email",
    "SMS": "Text messages to phones",
    "PUSH": "Notifications in browsers and apps",
}


class AddPages(Controller):
    """The providers, and the form of each."""

    path = "/console/{locale:str}/add"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show_providers(self, request: PageRequest) -> Response[str]:
        """Show the providers of each channel, with what each asks for."""
        types, text = await load_types(request), request.auth.text
        sections = [
            {
                "channel": channel,
                "name": text(name),
                "purpose": text(PURPOSES[channel]),
                "types": [each for each in types.values() if each.channel == channel],
            }
            for channel, name in CHANNELS.items()
        ]
        return render_page(request, "add_provider.html", sections=sections)

    @get("/{type_:str}")
    async def show_form(self, request: PageRequest, type_: FromPath[str]) -> Response[str]:
        """Show the form of a provider, with what its address holds."""
        provider = await find_type(request, type_)
        values = dict(request.query_params)
        fields = mark_unsaved(fill(form_fields(request, provider), values), {})
        shown = form_values(request, provider, next_key(), values)
        return render_page(request, "add.html", fields=fields, **shown)

    @post("/{type_:str}", status_code=200)
    async def add(self, request: PageRequest, type_: FromPath[str]) -> Response[Any]:
        """Add the connection, and lead to its page."""
        provider, form = await find_type(request, type_), await read_form(request)
        fields = form_fields(request, provider)
        body = {
            "type": provider.type,
            "channel": provider.channel,
            "isActive": form.get("isActive") != "false",
            **given_values(fields, form),
        }
        adding = ApiRequest(
            method="POST", path="integration", body=body, headers=repeat_headers(form)
        )
        try:
            added = await send_change(request, adding, form)
        except ApiError as error:
            refusal = Refusal(form, error)
            shown = form_values(request, provider, next_key(refusal), form)
            return render_refusal(request, "add.html", fields, refusal, **shown)
        path = page_path(request, "integrations", added.data.id)
        same_name_id = await find_same_name(request.user, added.data)
        flash = Flash("added", added.warnings, name=added.data.name, same_name_id=same_name_id)
        return carry_flash(request, path, flash)


async def find_type(request: PageRequest, type_: str) -> IntegrationType:
    """Return the provider *type_*; raise NoSuchPageError if there is none."""
    types = await load_types(request)
    if type_ not in types:
        raise NoSuchPageError
    return types[type_]


def form_fields(request: PageRequest, provider: IntegrationType) -> list[FormField]:
    """Return the fields of the form that adds a connection to *provider*."""
    return [name_field(request, provider.display_name), *provider_fields(provider)]


def form_values(
    request: PageRequest, provider: IntegrationType, key: str, values: Values
) -> dict[str, Any]:
    """Return what the form of *provider* shows apart from its fields; *key* is for idempotency."""
    return {
        "channel": request.auth.text(CHANNELS[provider.channel]),
        "key": key,
        "off": values.get("isActive") == "false",
        "type": provider,
    }
