"""Editing a connection: only what was changed is sent, and only if nobody else has changed it."""

from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Struct

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
from app.console.page import page_path
from app.console.pages.changes import ACTIONS
from app.console.pages.integration import (
    Connection,
    connection_values,
    load_connection,
    render_connection,
)
from app.console.pages.subject import find_same_name
from app.console.resources import Actor
from app.console.texts import SETTING
from app.console.visit import PageRequest, open_visit

WAS = "_was."
PRECONDITION_FAILED = 412
CHANGES = (
    "INTEGRATION_UPDATED",
    "INTEGRATION_ENABLED",
    "INTEGRATION_DISABLED",
    "CREDENTIALS_ROTATED",
)


class SavedChange(Struct, rename="camel", frozen=True):
    """What somebody has saved; the id ends in the version that it led to."""

    id: str
    action: str
    performed_by: Actor
    created_at: str

    @property
    def version(self) -> int:
        """The version of the connection since then."""
        return int(self.id.rpartition(":")[2])


class EditedField(Struct, frozen=True):
    """A field as it was shown, as it was typed, and as it is now."""

    field: FormField
    was: str
    mine: str
    theirs: str

    @property
    def kept(self) -> str:
        """The value that it has if what was typed counts."""
        return self.theirs if self.mine == self.was else self.mine

    @property
    def is_open(self) -> bool:
        """Whether what was typed would change it."""
        return self.kept != self.theirs


class EditPage(Controller):
    """The form of a connection's public fields."""

    path = "/console/{locale:str}/integrations/{integration:str}/edit"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest, integration: FromPath[str]) -> Response[str]:
        """Show the form, with what its address holds instead of what is stored if it does."""
        connection = await load_connection(request, integration)
        fields, stored = edit_fields(request, connection), connection.integration.values
        typed = {field.input: request.query_params.get(field.input, "") for field in fields}
        shown = mark_unsaved(fill(fields, typed if any(typed.values()) else stored), stored)
        hidden = hidden_values(fields, stored, connection.etag)
        return render_connection(request, "edit.html", connection, fields=shown, hidden=hidden)

    @post(status_code=200)
    async def change(self, request: PageRequest, integration: FromPath[str]) -> Response[Any]:
        """Save what was changed, and lead to the overview."""
        connection, form = await load_connection(request, integration), await read_form(request)
        edited = compare(edit_fields(request, connection), form, connection.integration.values)
        path = page_path(request, "integrations", integration)
        may_edit = request.user.can("integrations:edit")  # else the API refuses it, and logs that
        if may_edit and not any(each.is_open for each in edited):
            done = "changed" if any(each.mine != each.was for each in edited) else "same"
            return carry_flash(request, path, Flash(done, name=connection.integration.name))
        headers = {**repeat_headers(form), "If-Match": form.get("_etag", "")}
        change = ApiRequest(
            method="PATCH",
            path=f"integration/{integration}",
            body=changed_values(edited),
            headers=headers,
        )
        try:
            changed = await send_change(request, change, form)
        except ApiError as error:
            if error.status == PRECONDITION_FAILED:
                return await render_conflict(request, connection, edited, form.get("_etag", ""))
            return render_wrong_edit(request, connection, edited, Refusal(form, error))
        done = "changed" if changed.changes(connection.etag) else "same"
        fields = {each.field.name for each in edited if each.is_open}
        same_name_id = await find_same_name(request.user, changed.data) if "name" in fields else ""
        flash = Flash(done, changed.warnings, name=changed.data.name, same_name_id=same_name_id)
        return carry_flash(request, path, flash)


def edit_fields(request: PageRequest, connection: Connection) -> list[FormField]:
    """Return the fields that can be edited: the catalogue's, and what else is stored."""
    known = provider_fields(connection.type) if connection.type else []
    names = {field.name for field in known}
    others = [
        FormField(name=name, label=name)
        for name in connection.integration.values
        if name not in names and name != "name" and not name.startswith(SETTING)
    ]
    shown = [field for field in (*known, *others) if not field.is_key]
    return [name_field(request, connection.provider), *shown]


def hidden_values(fields: Sequence[FormField], stored: Values, etag: str | None) -> dict[str, str]:
    """Return what a form keeps to compare with: the version that is shown, and its values."""
    was = {f"{WAS}{field.input}": stored.get(field.name, "") for field in fields}
    return {**was, "_etag": etag or "", "_key": next_key()}


def compare(fields: Sequence[FormField], form: Values, stored: Values) -> list[EditedField]:
    """Return each of *fields* with what *form* says of it and what is *stored* now."""
    edited: list[EditedField] = []
    for field in fields:
        theirs = stored.get(field.name, "")
        was = form.get(f"{WAS}{field.input}", theirs)
        edited.append(EditedField(field, was, form.get(field.input, was), theirs))
    return edited


def changed_values(edited: Sequence[EditedField]) -> dict[str, Any]:
    """Return the body of the change: null clears, and settings are changed as a whole."""
    changed = [each for each in edited if each.is_open]
    body: dict[str, Any] = {
        each.field.name: each.kept or (None if each.field.name != "name" else "")
        for each in changed
        if not each.field.name.startswith(SETTING)
    }
    if any(each.field.name.startswith(SETTING) for each in changed):
        kept = {each.field.input: each.kept for each in edited}
        settings = [each.field for each in edited if each.field.name.startswith(SETTING)]
        body["settings"] = given_values(settings, kept).get("settings")
    return body


async def render_conflict(
    request: PageRequest, connection: Connection, edited: Sequence[EditedField], etag: str
) -> Response[str]:
    """Return the page that shows what was typed next to what somebody else has saved since."""
    stored, fields = connection.integration.values, [each.field for each in edited]
    return render_connection(
        request,
        "conflict.html",
        connection,
        PRECONDITION_FAILED,
        actions={each: request.auth.text(ACTIONS[each]) for each in CHANGES},
        changes=await changes_since(request, connection.integration.id, etag),
        edited=[each for each in edited if each.mine != each.theirs or each.was != each.theirs],
        hidden={
            **hidden_values(fields, stored, connection.etag),
            **{each.field.input: each.kept for each in edited},
        },
    )


async def changes_since(request: PageRequest, integration: str, etag: str) -> list[SavedChange]:
    """Return who did what after the version *etag*, once; nothing if it may not be seen."""
    if not request.user.can("audit:view"):
        return []
    path, version = f"integration/{integration}/history", etag.strip('"')
    entries = (await request.user.api.get(list[SavedChange], path)).data
    since = int(version) if version.isdecimal() else 0
    newer = [each for each in entries if each.version > since and each.action in CHANGES]
    return [*{(each.action, each.performed_by.id): each for each in reversed(newer)}.values()]


def render_wrong_edit(
    request: PageRequest, connection: Connection, edited: Sequence[EditedField], refusal: Refusal
) -> Response[str]:
    """Return the form again; it still knows which version was shown first."""
    names = (*(f"{WAS}{each.field.input}" for each in edited), "_etag")
    hidden = {name: refusal.values.get(name, "") for name in names}
    hidden["_key"] = next_key(refusal)
    shown = connection_values(request, connection)
    fields = [each.field for each in edited]
    return render_refusal(request, "edit.html", fields, refusal, hidden=hidden, **shown)
