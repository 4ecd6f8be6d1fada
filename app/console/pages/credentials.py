"""Replacing the keys of a connection: one or several, and what is left empty stays."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from app.console.api_client import ApiError, ApiRequest
from app.console.confirmations import repeat_headers, send_change
from app.console.flash import Flash, carry_flash
from app.console.form_body import read_form
from app.console.forms import (
    PUBLIC_KEY,
    FormField,
    Refusal,
    Values,
    fill,
    mark_unsaved,
    next_key,
    render_refusal,
)
from app.console.page import page_path
from app.console.pages.integration import (
    Connection,
    connection_values,
    load_connection,
    load_credentials,
    render_connection,
)
from app.console.resources import Credentials
from app.console.visit import PageRequest, open_visit

DESTROY, WAS = "_destroy.", "_was.vapidPublicKey"


class CredentialsPage(Controller):
    """The form of a connection's keys."""

    path = "/console/{locale:str}/integrations/{integration:str}/credentials"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest, integration: FromPath[str]) -> Response[str]:
        """Show which keys are set, and a field for another one of each."""
        connection = await load_connection(request, integration)
        credentials = await load_credentials(request, integration)
        public_key = connection.integration.vapid_public_key or ""
        typed = request.query_params.get(PUBLIC_KEY, public_key)
        return render_connection(
            request,
            "credentials.html",
            connection,
            fields=mark_unsaved(
                fill(key_fields(connection, credentials), {PUBLIC_KEY: typed}),
                {PUBLIC_KEY: public_key},
            ),
            **form_values(connection, credentials, next_key(), public_key),
        )

    @post(status_code=200)
    async def replace(self, request: PageRequest, integration: FromPath[str]) -> Response[Any]:
        """Replace the keys that were typed, destroy those that were marked."""
        connection, form = await load_connection(request, integration), await read_form(request)
        credentials = await load_credentials(request, integration)
        fields = key_fields(connection, credentials)
        body = replaced_values(fields, form)
        change = ApiRequest(
            method="PUT",
            path=f"integration/{integration}/credentials",
            body=body,
            headers=repeat_headers(form),
        )
        try:
            replaced = await send_change(request, change, form)
        except ApiError as error:
            refusal = Refusal(form, error)
            shown = {
                **form_values(connection, credentials, next_key(refusal), form.get(WAS, "")),
                **connection_values(request, connection),
            }
            return render_refusal(request, "credentials.html", fields, refusal, **shown)
        path = page_path(request, "integrations", integration)
        done = "replaced" if replaced.changes(connection.etag) else "same_keys"
        flash = Flash(done, replaced.warnings, name=replaced.data.name)
        return carry_flash(request, path, flash)


def key_fields(connection: Connection, credentials: Credentials) -> list[FormField]:
    """Return the fields of the keys: those of the provider, and what else is stored."""
    stored = {each.field for each in credentials.credentials}
    keys = [field for field in connection.fields if field.is_key]
    others = stored - {field.name for field in keys}
    return [
        *keys,
        *(FormField(name=name, label=name, secret=True) for name in sorted(others)),
    ]


def form_values(
    connection: Connection, credentials: Credentials, key: str, public_key: str
) -> dict[str, Any]:
    """Return what the form shows apart from its fields; *public_key* is the one that it showed."""
    needed = {field.name for field in connection.fields if field.needed}
    return {
        "destroyable": [
            each.field
            for each in credentials.credentials
            if each.is_set and each.field not in needed
        ],
        "hidden": {"_key": key, WAS: public_key},
        "states": {each.field: each for each in credentials.credentials},
    }


def replaced_values(fields: list[FormField], form: Values) -> dict[str, str | None]:
    """Return the body of the change: what was typed, and null for what is to be destroyed."""
    body: dict[str, str | None] = {}
    for field in fields:
        typed = form.get(field.input, "")
        if field.secret:
            if typed or f"{DESTROY}{field.name}" in form:
                body[field.name] = typed or None
        elif typed != form.get(WAS, typed):
            body[field.name] = typed or None
    return body
